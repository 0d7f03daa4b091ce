//! Statistics for a monitoring system.

use upkeep_contract::statistics::{OperationStatistics, Percentiles, StatisticsView};

use super::super::summary::{Family, Kind, Sample, float, seconds};

#[expect(clippy::too_many_lines, reason = "one figure after the other")]
pub(super) fn metrics(view: &StatisticsView) -> Vec<Family> {
    let queue = &view.queue;
    let mut tasks = Family::gauge(
        "upkeep_tasks",
        "",
        "Tasks of the range by operation and state: final states by when they ended, others by when they were asked for.",
    );
    for count in &queue.counts {
        let labels = vec![
            ("operation", count.operation.to_string()),
            ("state", count.state.as_str().to_owned()),
        ];
        tasks.set(labels, float(count.count));
    }
    let mut rate = Family::gauge(
        "upkeep_task_success_ratio",
        "ratio",
        "Succeeded among succeeded, partial and failed.",
    );
    for one in &queue.operations {
        if let Some(value) = one.success_rate {
            rate.set(vec![("operation", one.operation.to_string())], value);
        }
    }
    let times = |name, help, pick: fn(&OperationStatistics) -> Option<Percentiles>| {
        let mut family = Family {
            name,
            kind: Kind::Summary,
            unit: "seconds",
            help,
            samples: Vec::new(),
        };
        for one in &queue.operations {
            let Some(times) = pick(one) else { continue };
            let operation = || ("operation", one.operation.to_string());
            for (quantile, ms) in [
                ("0.5", times.p50_ms),
                ("0.95", times.p95_ms),
                ("0.99", times.p99_ms),
                ("1", times.max_ms),
            ] {
                family.samples.push(Sample {
                    suffix: "",
                    labels: vec![operation(), ("quantile", quantile.to_owned())],
                    value: seconds(ms),
                });
            }
            family.samples.push(Sample {
                suffix: "_count",
                labels: vec![operation()],
                value: float(times.count),
            });
        }
        family
    };
    let mut families = vec![
        tasks,
        rate,
        times(
            "upkeep_task_duration_seconds",
            "From the first attempt's start to the end.",
            |one| one.duration,
        ),
        times(
            "upkeep_task_waiting_seconds",
            "From being asked for to the first attempt's start.",
            |one| one.waiting,
        ),
        Family::single(
            "upkeep_queue_queued",
            "",
            "Tasks waiting now.",
            float(queue.queued_now),
        ),
        Family::single(
            "upkeep_queue_running",
            "",
            "Tasks running now.",
            float(queue.running_now),
        ),
        Family::single(
            "upkeep_workers",
            "",
            "Workers alive now.",
            f64::from(view.workers.alive),
        ),
        Family::single(
            "upkeep_workers_capacity",
            "",
            "Tasks that they can perform at once.",
            f64::from(view.workers.capacity),
        ),
        Family::single(
            "upkeep_workers_busy",
            "",
            "Tasks that they hold.",
            f64::from(view.workers.busy),
        ),
        Family::single(
            "upkeep_runtime_alive_tasks",
            "",
            "Async tasks alive in the program that wrote this.",
            float(view.runtime.alive_tasks),
        ),
        Family::single(
            "upkeep_runtime_busy_ratio",
            "ratio",
            "Share of its threads' time spent busy since it started.",
            view.runtime.busy_percent / 100.0,
        ),
    ];
    if let Some(oldest) = queue.oldest_waiting_ms {
        families.push(Family::single(
            "upkeep_queue_oldest_waiting_seconds",
            "seconds",
            "Age of the oldest task that waits and is due.",
            seconds(oldest),
        ));
    }
    let mut cpu = Family::gauge(
        "upkeep_host_cpu_ratio",
        "ratio",
        "CPU in use, over all cores.",
    );
    let mut available = Family::gauge(
        "upkeep_host_memory_available_bytes",
        "bytes",
        "Memory that programs could still get.",
    );
    let mut load = Family::gauge("upkeep_host_load1", "", "Load average over one minute.");
    for host in &view.hosts {
        let label = || vec![("host", host.host.clone())];
        if let Some(percent) = host.vitals.cpu_percent {
            cpu.set(label(), percent / 100.0);
        }
        available.set(label(), float(host.vitals.memory_available_bytes));
        load.set(label(), host.vitals.load_average[0]);
    }
    families.extend([cpu, available, load]);
    families
}
