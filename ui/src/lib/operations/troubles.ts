// what concerns every page, in words: what happened, what still works, what to do. It branches on codes, never on prose.
import type { Condition } from "$lib/generated/Condition";
import type { ErrorCode } from "$lib/generated/ErrorCode";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import { bytes, sentence } from "$lib/format";

export type TroubleKind =
  | "installation"
  | "connection"
  | "database-unavailable"
  | "database-damaged"
  | "database-newer"
  | "disk-full"
  | "configuration"
  | "no-worker";

export interface Step {
  text: string;
  /** A command or path as it is typed. */
  copy: string | null;
}

export interface Trouble {
  kind: TroubleKind;
  tone: "bad" | "warn";
  title: string;
  /** What was found, as the other side says it; empty when the title says it all. */
  found: string;
  works: string;
  steps: Step[];
  /** Whether what pages show cannot be read anew. */
  stale: boolean;
}

const OF_EVERYTHING: readonly ErrorCode[] = [
  "database_unavailable",
  "database_damaged",
  "database_replaced",
  "database_newer",
  "unreachable",
  // a page of its own says how to sign in
  "unauthorized",
];

/** Whether an error is the same on every page, and so is told once. */
export function concernsEverything(error: ErrorReply): boolean {
  return OF_EVERYTHING.includes(error.code);
}

/** As a shell reads it. */
export function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

const step = (text: string, copy: string | null = null): Step => ({ text, copy });
const AWAY =
  "Pages keep what was read last, and this machine's vital signs stay live. Nothing that you ask for is accepted meanwhile, and nothing is removed.";

function ofTheDatabase(error: ErrorReply, condition: Condition): Trouble {
  const file = condition.database_file;
  const common = { tone: "bad", found: sentence(error.message), works: AWAY, stale: true } as const;
  if (error.code === "database_damaged") {
    const folder = file?.slice(0, file.lastIndexOf("/")) ?? "";
    const aside = `mkdir ${quoted(`${folder}/damaged`)} && mv ${quoted(file ?? "")}* ${quoted(`${folder}/damaged/`)}`;
    return {
      ...common,
      kind: "database-damaged",
      title: "The database file is damaged",
      works: `${AWAY} The configuration and your folders are untouched.`,
      steps: file
        ? [
            step("Put a good copy in its place:", file),
            step("Or move it aside; Upkeep then begins with an empty history:", aside),
          ]
        : [step(sentence(error.hint))],
    };
  }
  if (error.code === "database_newer") {
    return {
      ...common,
      kind: "database-newer",
      title: "The database was made by a newer Upkeep",
      works:
        "Nothing was read or changed in it. Workers and consoles of the newer version go on using it; this machine's vital signs stay live here.",
      steps: [
        step("Install the newer Upkeep on this machine."),
        step(
          "Or give this one another database in UPKEEP_DATABASE_URL and start it again. Now it uses:",
          condition.database,
        ),
      ],
    };
  }
  const look = file
    ? step(
        "Look at the file and its folder:",
        `ls -ld ${quoted(file)} ${quoted(file.slice(0, file.lastIndexOf("/")))}`,
      )
    : step("Ask whether the server answers:", `pg_isready -d ${quoted(condition.database)}`);
  return {
    ...common,
    kind: "database-unavailable",
    title: "The database cannot be used",
    steps: [...(error.hint ? [step(sentence(error.hint))] : []), look],
  };
}

function ofTheDisk(condition: Condition): Trouble {
  const free = condition.free_bytes;
  return {
    kind: "disk-full",
    tone: "bad",
    title: "The disk with Upkeep's data is full",
    found: free === null ? "" : `${bytes(free)} are free where ${condition.data_folder} lies.`,
    works:
      "What is there can be read. What you ask for may be refused, and what ends now is noted once there is room; nothing that was accepted is lost.",
    steps: [
      step(
        "Free some space there. What takes it:",
        `du -xh --max-depth=2 ${quoted(condition.data_folder)} | sort -h | tail`,
      ),
      step("How full each disk is:", `df -h ${quoted(condition.data_folder)}`),
    ],
    stale: condition.database_error !== null,
  };
}

function ofTheConfiguration(error: ErrorReply, condition: Condition): Trouble {
  return {
    kind: "configuration",
    tone: "bad",
    title: "The configuration cannot be used, so nothing will be cleaned",
    found: sentence(error.message),
    works: "Tasks, their reports, checks of health and statistics work as before.",
    steps: [
      ...(error.hint ? [step(sentence(error.hint))] : []),
      step("The file to mend:", condition.config_file),
    ],
    stale: false,
  };
}

function ofTheWorkers(condition: Condition): Trouble {
  const elsewhere = condition.database_file === null;
  return {
    kind: "no-worker",
    tone: "warn",
    title: "No worker is alive",
    found: "",
    works: "You can look at everything, and ask: what you ask for waits until a worker takes it.",
    steps: [
      step(
        elsewhere
          ? `Start one on a host that reaches the database${condition.worker_command_lacks_password ? "; put the database’s password in, which is left out here" : ""}:`
          : "Start one on this machine:",
        condition.worker_command,
      ),
      step("Or start the built-in one on the Workers page."),
    ],
    stale: false,
  };
}

function ofTheConnection(error: ErrorReply): Trouble {
  return {
    kind: "connection",
    tone: "bad",
    title: "The connection to Upkeep was lost",
    found: sentence(error.message),
    works:
      "Pages keep what was read last. What was accepted before goes on: workers need no browser. Nothing that you ask for is accepted meanwhile.",
    steps: [
      step(
        "It is tried again by itself. On the machine where Upkeep runs, look whether this runs:",
        "upkeepctl serve",
      ),
      step("Look whether this machine reaches that one."),
    ],
    stale: true,
  };
}

/** The worst first; what only follows from it is left out. */
export function troublesOf(condition: Condition | null, error: ErrorReply | null): Trouble[] {
  if (error?.code === "unreachable") return [ofTheConnection(error)];
  if (error) {
    return [
      {
        kind: "installation",
        tone: "bad",
        title: "Upkeep cannot find its installation",
        found: sentence(error.message),
        works: "This machine's vital signs stay live.",
        steps: error.hint ? [step(sentence(error.hint))] : [],
        stale: true,
      },
    ];
  }
  if (!condition) return [];
  const found: Trouble[] = [];
  if (condition.disk_full) found.push(ofTheDisk(condition));
  // a full disk shows itself as a database that fails
  else if (condition.database_error) found.push(ofTheDatabase(condition.database_error, condition));
  if (condition.configuration_error) found.push(ofTheConfiguration(condition.configuration_error, condition));
  if (condition.workers_alive === 0 && !condition.disk_full) found.push(ofTheWorkers(condition));
  return found;
}
