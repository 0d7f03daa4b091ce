//! Temperature sensors, where the host has any that tell.

use sysinfo::Components;

/// What one sensor tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Temperature {
    /// Its name; made unique by a number.
    pub(crate) sensor: String,
    /// Degrees Celsius.
    pub(crate) celsius: f64,
    /// Above this its maker calls it critical; none when it does not say.
    pub(crate) critical: Option<f64>,
}

/// What the sensors tell. Some take milliseconds to answer.
pub(crate) fn read() -> Vec<Temperature> {
    // a platform that sysinfo does not know has no sensors to show
    Components::new_with_refreshed_list()
        .as_ref()
        .map(told)
        .unwrap_or_default()
}

fn told(components: &Components) -> Vec<Temperature> {
    sorted(components.iter().map(|component| {
        (
            component.label().trim(),
            component.temperature(),
            component.critical(),
        )
    }))
}

/// The sensors, found once and asked again and again.
#[derive(Debug, Default)]
pub(crate) struct Sensors(Option<Components>);

impl Sensors {
    /// What they tell now; those that came or went since are noticed, too.
    pub(crate) fn read(&mut self) -> Vec<Temperature> {
        match &mut self.0 {
            Some(components) => components.refresh(true),
            None => self.0 = Components::new_with_refreshed_list().ok(),
        }
        self.0.as_ref().map(told).unwrap_or_default()
    }
}

fn sorted<'a>(told: impl Iterator<Item = (&'a str, Option<f32>, Option<f32>)>) -> Vec<Temperature> {
    let mut sensors: Vec<Temperature> = told
        .filter_map(|(label, celsius, critical)| {
            let celsius = f64::from(celsius?);
            // a broken or absent sensor tells absolute zero, exactly zero, or nothing
            (celsius.is_finite() && celsius > -60.0 && celsius != 0.0).then(|| Temperature {
                sensor: if label.is_empty() {
                    "sensor".to_owned()
                } else {
                    label.to_owned()
                },
                celsius,
                // limits that are no temperature of a working machine are placeholders
                critical: critical
                    .map(f64::from)
                    .filter(|critical| (40.0..=150.0).contains(critical)),
            })
        })
        .collect();
    sensors.sort_by(|left, right| left.sensor.cmp(&right.sensor));
    number_doubles(&mut sensors);
    sensors
}

fn number_doubles(sensors: &mut [Temperature]) {
    let names: Vec<String> = sensors.iter().map(|sensor| sensor.sensor.clone()).collect();
    for (index, sensor) in sensors.iter_mut().enumerate() {
        let before = names[..index]
            .iter()
            .filter(|name| **name == names[index])
            .count();
        if before > 0 {
            sensor.sensor = format!("{} {}", names[index], before + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_and_broken_sensors_are_left_out_and_doubles_numbered() {
        let told = [
            ("disk", Some(41.5), Some(85.0)),
            ("cpu", Some(60.0), None),
            ("cpu", Some(61.0), Some(65261.0)),
            ("", Some(30.0), None),
            ("dead", Some(0.0), None),
            ("cold", Some(-273.0), None),
            ("odd", Some(f32::NAN), None),
            ("silent", None, Some(90.0)),
        ];
        let sensors = sorted(told.into_iter());
        let names: Vec<&str> = sensors
            .iter()
            .map(|sensor| sensor.sensor.as_str())
            .collect();
        assert_eq!(names, ["cpu", "cpu 2", "disk", "sensor"]);
        assert_eq!(sensors[1].critical, None, "a placeholder is no limit");
        assert_eq!(sensors[2].critical, Some(85.0));
    }
}
