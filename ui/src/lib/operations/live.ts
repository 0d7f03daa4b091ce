// figures out of live samples and heartbeats: what is kept of them, and what is added up.
import type { HostVitals } from "$lib/generated/HostVitals";
import type { LiveDevice } from "$lib/generated/LiveDevice";
import type { LiveInterface } from "$lib/generated/LiveInterface";
import type { LiveSample } from "$lib/generated/LiveSample";
import { diskShare, usedShare } from "./vitals";

type Measure = readonly [string, number | null];

function sum<T>(all: readonly T[], of: (one: T) => number | null): number | null {
  const known = all.map(of).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

/** The disks whose throughput adds up to that of the host: hardware, or what there is without any. */
export function wholeDisks(devices: readonly LiveDevice[]): readonly LiveDevice[] {
  const whole = devices.filter((device) => device.is_whole_disk);
  return whole.length > 0 ? whole : devices;
}

/** The interfaces whose traffic adds up to that of the host: hardware, or all but the loopback without any. */
export function outerInterfaces(interfaces: readonly LiveInterface[]): readonly LiveInterface[] {
  const physical = interfaces.filter((one) => one.is_physical);
  return physical.length > 0 ? physical : interfaces.filter(({ name }) => name !== "lo");
}

/** What the history keeps of a sample. */
export function* measuresOf(sample: LiveSample): Generator<Measure> {
  const { cpu, memory, swap, load_average, pressure, runtime, queue } = sample;
  yield ["cpu", cpu.percent];
  yield ["cpu.user", cpu.user_percent];
  yield ["cpu.system", cpu.system_percent];
  yield ["cpu.iowait", cpu.iowait_percent];
  yield ["cpu.steal", cpu.steal_percent];
  yield ["memory.used", memory.used_bytes];
  yield ["memory.reclaimable", Math.max(0, memory.available_bytes - memory.free_bytes)];
  yield ["swap.used", swap.used_bytes];
  if (load_average) {
    yield ["load.1", load_average[0]];
    yield ["load.5", load_average[1]];
    yield ["load.15", load_average[2]];
  }
  for (const { kind, some_percent, full_percent } of pressure) {
    yield [`pressure.${kind}.some`, some_percent];
    yield [`pressure.${kind}.full`, full_percent];
  }
  for (const { sensor, celsius } of sample.temperatures) yield [`temperature.${sensor}`, celsius];
  const disks = wholeDisks(sample.devices);
  yield ["disk.read", sum(disks, (disk) => disk.read_bytes_per_second)];
  yield ["disk.written", sum(disks, (disk) => disk.written_bytes_per_second)];
  yield ["disk.reads", sum(disks, (disk) => disk.reads_per_second)];
  yield ["disk.writes", sum(disks, (disk) => disk.writes_per_second)];
  const interfaces = outerInterfaces(sample.interfaces);
  yield ["network.received", sum(interfaces, (one) => one.received_bytes_per_second)];
  yield ["network.sent", sum(interfaces, (one) => one.sent_bytes_per_second)];
  if (runtime) {
    yield ["runtime.tasks", runtime.alive_tasks];
    yield ["runtime.busy", runtime.busy_percent];
  }
  if (queue) {
    yield ["queue.queued", queue.queued];
    yield ["queue.running", queue.running];
  }
}

/** What the history keeps of a heartbeat; a file system's share is kept by its mount. */
export function* measuresOfVitals(vitals: HostVitals): Generator<Measure> {
  yield ["cpu", vitals.cpu_percent];
  yield ["memory", usedShare(vitals.memory_total_bytes, vitals.memory_available_bytes)];
  yield [
    "swap",
    vitals.swap_total_bytes > 0 ? (vitals.swap_used_bytes / vitals.swap_total_bytes) * 100 : null,
  ];
  yield ["load.1", vitals.load_average[0]];
  yield ["load.5", vitals.load_average[1]];
  yield ["load.15", vitals.load_average[2]];
  for (const disk of vitals.disks) {
    if (disk.total_bytes > 0) yield [`disk.${disk.mount}`, diskShare(disk)];
  }
}
