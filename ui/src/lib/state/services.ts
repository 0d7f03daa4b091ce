// what every page can reach; made once by App and handed down by context, so that nothing is global.
import { createContext } from "svelte";
import type { Backend } from "$lib/backend/backend";
import { announcement } from "$lib/operations/summary";
import { Announcer } from "./announcer.svelte";
import { AttentionState } from "./attention.svelte";
import { ConditionState } from "./condition.svelte";
import { FanOutFlow } from "./fan-out-flow.svelte";
import { FormMemory } from "./form-memory.svelte";
import { HealthState } from "./health.svelte";
import { LiveState } from "./live.svelte";
import { OverviewState } from "./overview.svelte";
import { PlanFlow } from "./plan-flow.svelte";
import { SessionState } from "./session.svelte";
import { SettingsState } from "./settings.svelte";
import { Vitals } from "./vitals.svelte";
import { TaskWatches } from "./watches.svelte";
import { WorkersState } from "./workers.svelte";

export interface Services {
  backend: Backend;
  announcer: Announcer;
  attention: AttentionState;
  condition: ConditionState;
  watches: TaskWatches;
  plan: PlanFlow;
  fanOut: FanOutFlow;
  health: HealthState;
  live: LiveState;
  overview: OverviewState;
  session: SessionState;
  settings: SettingsState;
  vitals: Vitals;
  workers: WorkersState;
}

export const [getServices, setServices] = createContext<Services>();

export function makeServices(backend: Backend): Services {
  const announcer = new Announcer();
  const watches = new TaskWatches(backend, (detail) => announcer.say(announcement(detail)));
  const plan = new PlanFlow(backend, watches);
  const fanOut = new FanOutFlow(backend);
  const live = new LiveState(backend);
  const announce = (text: string) => announcer.say(text);
  return {
    backend,
    announcer,
    attention: new AttentionState(backend),
    condition: new ConditionState(backend, announce, () => watches.reopen()),
    watches,
    plan,
    fanOut,
    health: new HealthState({ backend, watches, plan, announce }),
    live,
    overview: new OverviewState({
      backend,
      watches,
      plan,
      fanOut,
      memory: new FormMemory(window.localStorage),
      announce,
    }),
    session: new SessionState(backend),
    settings: new SettingsState(backend),
    vitals: new Vitals(backend),
    workers: new WorkersState(backend, announce, (workers) => live.hear(workers)),
  };
}
