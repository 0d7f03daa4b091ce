//! The checks of the host itself and of the async runtime.

use std::time::Duration;

use upkeep_contract::health::HealthCheck;
use upkeep_contract::statistics::RuntimeStatistics;
use upkeep_contract::worker::HostVitals;

use super::judge::{Finding, bytes, unknown};
use crate::probes::limit::NoAnswer;
use crate::probes::pressure::Pressure;
use crate::probes::space::percent;
use crate::probes::temperature::Temperature;
use crate::settings::{Measure, Threshold, Thresholds};

const PERCENT: &str = "percent";

/// This far below its maker's critical temperature a sensor warns.
const TEMPERATURE_MARGIN: f64 = 10.0;

pub(super) fn cpu(used: Option<f64>, window: Duration, threshold: Threshold) -> HealthCheck {
    let Some(observed) = used else {
        return unknown(
            "cpu",
            PERCENT,
            "the processor's use could not be read",
            "look at /proc/stat",
        );
    };
    Finding {
        id: "cpu".to_owned(),
        unit: PERCENT,
        observed,
        threshold,
        message: format!("all cores together were {observed:.0} % busy over {} ms", window.as_millis()),
        action: "find the busiest processes (top, sorted by CPU); stop or postpone what need not run now",
    }
    .judge()
}

pub(super) fn memory(vitals: &HostVitals, threshold: Threshold) -> HealthCheck {
    let (total, available) = (vitals.memory_total_bytes, vitals.memory_available_bytes);
    let Some(observed) = percent(total.saturating_sub(available), total) else {
        return unknown(
            "memory",
            PERCENT,
            "the memory's size could not be read",
            "look at /proc/meminfo",
        );
    };
    Finding {
        id: "memory".to_owned(),
        unit: PERCENT,
        observed,
        threshold,
        message: format!("{} of {} can still be had", bytes(available), bytes(total)),
        action: "find the largest processes (top, sorted by memory); end what is not needed, or add memory",
    }
    .judge()
}

pub(super) fn swap(vitals: &HostVitals, threshold: Threshold) -> HealthCheck {
    let (total, used) = (vitals.swap_total_bytes, vitals.swap_used_bytes);
    let share = percent(used, total);
    Finding {
        id: "swap".to_owned(),
        unit: PERCENT,
        observed: share.unwrap_or(0.0),
        threshold,
        message: match share {
            Some(_) => format!("{} of {} in use", bytes(used), bytes(total)),
            None => "this host has no swap".to_owned(),
        },
        action: "end what holds much memory; with swap full the kernel will end processes itself",
    }
    .judge()
}

pub(super) fn load(one: Result<f64, String>, cores: u32, threshold: Threshold) -> HealthCheck {
    let one = match one {
        Ok(one) if cores > 0 => one,
        Ok(_) => {
            return unknown(
                "load",
                "per core",
                "the number of cores could not be read",
                "look at /proc/stat",
            );
        }
        Err(why) => {
            let message = format!("the load could not be read: {why}");
            return unknown("load", "per core", message, "look at /proc/loadavg");
        }
    };
    Finding {
        id: "load".to_owned(),
        unit: "per core",
        observed: one / f64::from(cores),
        threshold,
        message: format!(
            "a load of {one:.2} over the last minute on {cores} {}",
            if cores == 1 { "core" } else { "cores" }
        ),
        action: "more wants to run than there are cores; look for busy processes, or for a slow disk they wait for",
    }
    .judge()
}

pub(super) fn pressure(pressure: &Pressure, thresholds: &Thresholds) -> HealthCheck {
    let (what, measure, action) = match pressure.kind {
        "cpu" => (
            "a processor",
            Measure::PressureCpu,
            "run less at once, or add cores",
        ),
        "io" => (
            "a disk",
            Measure::PressureIo,
            "find what reads and writes most (iotop), or use a faster disk",
        ),
        _ => (
            "memory",
            Measure::PressureMemory,
            "end what holds much memory, or add memory",
        ),
    };
    let threshold = thresholds.of(measure);
    let id = format!("pressure:{}", pressure.kind);
    match &pressure.some_last_minute {
        Ok(observed) => Finding {
            id,
            unit: PERCENT,
            observed: *observed,
            threshold,
            message: format!("in {observed:.0} % of the last minute some task waited for {what}"),
            action,
        }
        .judge(),
        Err(why) => {
            let message = format!("/proc/pressure/{} could not be read: {why}", pressure.kind);
            unknown(
                id,
                PERCENT,
                message,
                "look at the file; the kernel may lack the permission or the feature",
            )
        }
    }
}

pub(super) fn temperatures(
    sensors: Result<Vec<Temperature>, NoAnswer>,
    threshold: Threshold,
) -> Vec<HealthCheck> {
    match sensors {
        Ok(sensors) => {
            let judged = sensors.iter().map(|sensor| temperature(sensor, threshold));
            judged.collect()
        }
        Err(why) => {
            let message = format!("the temperature sensors {why}");
            vec![unknown(
                "temperature:sensors",
                "celsius",
                message,
                "look at the kernel's log for a failing sensor",
            )]
        }
    }
}

/// The configured thresholds, and earlier where the sensor's maker says so.
fn temperature(sensor: &Temperature, configured: Threshold) -> HealthCheck {
    let threshold = sensor.critical.map_or(configured, |critical| Threshold {
        warning: configured.warning.min(critical - TEMPERATURE_MARGIN),
        critical: configured.critical.min(critical),
    });
    Finding {
        id: format!("temperature:{}", sensor.sensor),
        unit: "celsius",
        observed: sensor.celsius,
        threshold,
        message: match sensor.critical {
            Some(critical) => format!(
                "{:.0} °C; its maker's limit is {critical:.0} °C",
                sensor.celsius
            ),
            None => format!("{:.0} °C", sensor.celsius),
        },
        action: "look after fans, dust and the room's temperature; lower the load meanwhile",
    }
    .judge()
}

/// `runtime` and `runtime:queue`.
#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 tasks")]
pub(super) fn runtime(runtime: &RuntimeStatistics, thresholds: &Thresholds) -> [HealthCheck; 2] {
    let alive = Finding {
        id: "runtime".to_owned(),
        unit: "tasks",
        observed: runtime.alive_tasks as f64,
        threshold: thresholds.of(Measure::Runtime),
        message: format!(
            "{} async tasks alive on {} threads",
            runtime.alive_tasks, runtime.worker_threads
        ),
        action: "something of this worker does not end; restart the worker and report it with the task's log",
    };
    let waiting = Finding {
        id: "runtime:queue".to_owned(),
        unit: "tasks",
        observed: runtime.global_queue_depth as f64,
        threshold: thresholds.of(Measure::RuntimeQueue),
        message: match runtime.global_queue_depth {
            0 => "no async task waits for a thread".to_owned(),
            1 => "one async task waits for a thread".to_owned(),
            more => format!(
                "{more} async tasks wait for one of {} threads",
                runtime.worker_threads
            ),
        },
        action: "this worker has more to do than its threads can; give it less at once, or start another worker",
    };
    [alive.judge(), waiting.judge()]
}

#[cfg(test)]
mod tests {
    use upkeep_contract::Timestamp;
    use upkeep_contract::health::CheckStatus;

    use super::*;

    fn vitals() -> HostVitals {
        HostVitals {
            at: Timestamp(0),
            cpu_percent: None,
            cpu_cores: 4,
            memory_total_bytes: 100,
            memory_available_bytes: 50,
            swap_total_bytes: 100,
            swap_used_bytes: 10,
            load_average: [0.0; 3],
            disks: Vec::new(),
            uptime_seconds: 1,
        }
    }

    #[track_caller]
    fn check(found: &HealthCheck, status: CheckStatus, observed: Option<f64>, said: &str) {
        assert_eq!(
            (found.status, found.observed),
            (status, observed),
            "{found:?}"
        );
        assert!(found.message.contains(said), "{found:?}");
        assert_eq!(
            found.action.is_empty(),
            status == CheckStatus::Ok,
            "{found:?}"
        );
    }

    #[test]
    fn memory_counts_what_cannot_be_had_and_an_unknown_size_is_told() {
        use CheckStatus as C;
        let of = |total, available| {
            let vitals = HostVitals {
                memory_total_bytes: total,
                memory_available_bytes: available,
                ..vitals()
            };
            memory(&vitals, Threshold::new(80.0, 95.0))
        };
        check(&of(1000, 1000), C::Ok, Some(0.0), "1.0 kB of 1.0 kB");
        check(&of(1000, 201), C::Ok, Some(79.9), "201 bytes of 1.0 kB");
        check(&of(1000, 200), C::Warning, Some(80.0), "200 bytes");
        check(&of(1000, 50), C::Critical, Some(95.0), "50 bytes");
        check(&of(1000, 0), C::Critical, Some(100.0), "0 bytes");
        check(&of(0, 0), C::Unknown, None, "could not be read");
    }

    #[test]
    fn a_host_without_swap_is_well_and_says_so() {
        use CheckStatus as C;
        let of = |total, used| {
            let vitals = HostVitals {
                swap_total_bytes: total,
                swap_used_bytes: used,
                ..vitals()
            };
            swap(&vitals, Threshold::new(80.0, 95.0))
        };
        check(&of(0, 0), C::Ok, Some(0.0), "this host has no swap");
        check(&of(1000, 0), C::Ok, Some(0.0), "0 bytes of 1.0 kB");
        check(&of(1000, 800), C::Warning, Some(80.0), "800 bytes");
        check(
            &of(1000, 1000),
            C::Critical,
            Some(100.0),
            "1.0 kB of 1.0 kB",
        );
    }

    #[test]
    fn load_is_held_against_the_number_of_cores_from_one_to_many() {
        use CheckStatus as C;
        let of = |one: f64, cores| load(Ok(one), cores, Threshold::new(1.0, 2.0));
        check(&of(0.99, 1), C::Ok, Some(0.99), "on 1 core");
        check(&of(1.0, 1), C::Warning, Some(1.0), "on 1 core");
        check(&of(63.0, 64), C::Ok, Some(0.98), "on 64 cores");
        check(&of(64.0, 64), C::Warning, Some(1.0), "on 64 cores");
        check(&of(128.0, 64), C::Critical, Some(2.0), "on 64 cores");
        check(&of(512.0, 1024), C::Ok, Some(0.5), "on 1024 cores");
        check(&of(1.0, 0), C::Unknown, None, "the number of cores");
        let unread = load(Err("no such file".into()), 64, Threshold::new(1.0, 2.0));
        check(&unread, C::Unknown, None, "no such file");
    }

    #[test]
    fn pressure_of_each_kind_has_thresholds_of_its_own() {
        use CheckStatus as C;
        let of = |kind, some_last_minute: Result<f64, String>| {
            let found = Pressure {
                kind,
                some_last_minute,
            };
            pressure(&found, &Thresholds::default())
        };
        check(&of("cpu", Ok(50.0)), C::Ok, Some(50.0), "a processor");
        check(&of("cpu", Ok(80.0)), C::Warning, Some(80.0), "a processor");
        check(&of("io", Ok(50.0)), C::Warning, Some(50.0), "a disk");
        check(&of("io", Ok(80.0)), C::Critical, Some(80.0), "a disk");
        check(
            &of("memory", Ok(50.0)),
            C::Critical,
            Some(50.0),
            "for memory",
        );
        let unread = of("io", Err("input/output error".into()));
        check(
            &unread,
            C::Unknown,
            None,
            "/proc/pressure/io could not be read",
        );
    }

    #[test]
    fn a_sensor_is_held_to_what_is_configured_and_to_its_maker_s_limit() {
        use CheckStatus as C;
        let of = |celsius, critical, configured: (f64, f64)| {
            let sensor = Temperature {
                sensor: "cpu".into(),
                celsius,
                critical,
            };
            let all = temperatures(Ok(vec![sensor]), Threshold::new(configured.0, configured.1));
            assert_eq!(all.len(), 1);
            all[0].clone()
        };
        let usual = (85.0, 95.0);
        check(&of(84.9, None, usual), C::Ok, Some(84.9), "85 °C");
        check(&of(85.0, None, usual), C::Warning, Some(85.0), "°C");
        check(&of(95.0, None, usual), C::Critical, Some(95.0), "°C");
        check(
            &of(73.0, Some(82.0), usual),
            C::Warning,
            Some(73.0),
            "limit is 82 °C",
        );
        check(
            &of(82.0, Some(82.0), usual),
            C::Critical,
            Some(82.0),
            "limit is 82 °C",
        );
        check(&of(85.0, Some(120.0), usual), C::Warning, Some(85.0), "°C");
        check(
            &of(41.0, Some(120.0), (40.0, 60.0)),
            C::Warning,
            Some(41.0),
            "°C",
        );
        let cold = of(1.0, Some(50.0), usual);
        assert_eq!((cold.warning, cold.critical), (Some(40.0), Some(50.0)));
        assert_eq!(temperatures(Ok(Vec::new()), Threshold::new(85.0, 95.0)), []);
        let hung = temperatures(
            Err(NoAnswer::TimedOut(Duration::from_secs(2))),
            Threshold::new(85.0, 95.0),
        );
        check(&hung[0], C::Unknown, None, "gave no answer within 2.0 s");
    }

    #[test]
    fn alive_and_waiting_async_tasks_are_judged_apart() {
        use CheckStatus as C;
        let of = |alive_tasks, global_queue_depth| {
            let statistics = RuntimeStatistics {
                worker_threads: 2,
                alive_tasks,
                global_queue_depth,
                busy_percent: 0.0,
            };
            runtime(&statistics, &Thresholds::default()).map(|check| check.status)
        };
        assert_eq!(of(1, 0), [C::Ok, C::Ok]);
        assert_eq!(of(100, 0), [C::Warning, C::Ok]);
        assert_eq!(of(1000, 100), [C::Critical, C::Warning]);
        assert_eq!(of(99, 1000), [C::Ok, C::Critical]);
    }

    #[test]
    fn cpu_that_could_not_be_measured_is_unknown() {
        let threshold = Threshold::new(90.0, 98.0);
        let window = Duration::from_millis(500);
        check(
            &cpu(None, window, threshold),
            CheckStatus::Unknown,
            None,
            "could not be read",
        );
        check(
            &cpu(Some(90.0), window, threshold),
            CheckStatus::Warning,
            Some(90.0),
            "90 % busy over 500 ms",
        );
    }
}
