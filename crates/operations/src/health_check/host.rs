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
use crate::settings::Threshold;

const PERCENT: &str = "percent";

/// Some task waited for a processor for this share of the last minute. Busy machines that are
/// well live with half; near all of the time everything is late.
const PRESSURE_CPU: Threshold = Threshold::new(80.0, 98.0);
/// Waiting for a disk is felt earlier.
const PRESSURE_IO: Threshold = Threshold::new(40.0, 80.0);
/// Waiting for memory means thrashing; a tenth of the time is much already.
const PRESSURE_MEMORY: Threshold = Threshold::new(10.0, 40.0);
/// For sensors whose maker gives no limit: what most processors still stand, and what they throttle at.
const TEMPERATURE: Threshold = Threshold::new(85.0, 95.0);
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
        message: format!("a load of {one:.2} over the last minute on {cores} cores"),
        action: "more wants to run than there are cores; look for busy processes, or for a slow disk they wait for",
    }
    .judge()
}

pub(super) fn pressure(pressure: &Pressure) -> HealthCheck {
    let (what, threshold, action) = match pressure.kind {
        "cpu" => (
            "a processor",
            PRESSURE_CPU,
            "run less at once, or add cores",
        ),
        "io" => (
            "a disk",
            PRESSURE_IO,
            "find what reads and writes most (iotop), or use a faster disk",
        ),
        _ => (
            "memory",
            PRESSURE_MEMORY,
            "end what holds much memory, or add memory",
        ),
    };
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

pub(super) fn temperatures(sensors: Result<Vec<Temperature>, NoAnswer>) -> Vec<HealthCheck> {
    match sensors {
        Ok(sensors) => sensors.iter().map(temperature).collect(),
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

fn temperature(sensor: &Temperature) -> HealthCheck {
    let threshold = match sensor.critical {
        Some(critical) => Threshold::new(critical - TEMPERATURE_MARGIN, critical),
        None => TEMPERATURE,
    };
    Finding {
        id: format!("temperature:{}", sensor.sensor),
        unit: "celsius",
        observed: sensor.celsius,
        threshold,
        message: format!("{:.0} °C", sensor.celsius),
        action: "look after fans, dust and the room's temperature; lower the load meanwhile",
    }
    .judge()
}

#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 tasks")]
pub(super) fn runtime(runtime: &RuntimeStatistics, threshold: Threshold) -> HealthCheck {
    Finding {
        id: "runtime".to_owned(),
        unit: "tasks",
        observed: runtime.alive_tasks as f64,
        threshold,
        message: format!(
            "{} async tasks alive on {} threads, {} waiting for a thread",
            runtime.alive_tasks, runtime.worker_threads, runtime.global_queue_depth
        ),
        action: "something of this worker does not end; restart the worker and report it with the task's log",
    }
    .judge()
}
