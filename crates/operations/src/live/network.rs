//! What the network interfaces carry, out of `/proc/net/dev`.

use std::path::Path;
use std::time::Duration;

use upkeep_contract::live::LiveInterface;

use super::rates::per_second;
use super::text::{lines, number, words};

/// A host of containers has hundreds: these many are told, hardware first, then those that carried most.
const INTERFACES_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Interface {
    name: String,
    is_physical: bool,
    received: u64,
    sent: u64,
    errors: u64,
}

/// What was read last.
#[derive(Debug, Default)]
pub(super) struct Network(Vec<Interface>);

impl Network {
    /// What was carried since the last reading; no rates without a time. `class` is `/sys/class/net`.
    pub(super) fn sample(
        &mut self,
        dev: &[u8],
        time: Option<Duration>,
        class: &Path,
    ) -> Vec<LiveInterface> {
        let before = std::mem::take(&mut self.0);
        let mut live = Vec::with_capacity(before.len());
        // two lines of headings hold no colon after a first word
        for (name, numbers) in lines(dev).filter_map(split) {
            let Some([received, receive_errors, sent, send_errors]) = counters(numbers) else {
                continue;
            };
            let place = before.get(self.0.len());
            let known = place
                .filter(|interface| interface.name.as_bytes() == name)
                .or_else(|| {
                    before
                        .iter()
                        .find(|interface| interface.name.as_bytes() == name)
                });
            let interface = Interface {
                // looked up once for each name: it is a file of its own
                is_physical: known.map_or_else(
                    || {
                        class
                            .join(String::from_utf8_lossy(name).as_ref())
                            .join("device")
                            .exists()
                    },
                    |known| known.is_physical,
                ),
                name: known.map_or_else(
                    || String::from_utf8_lossy(name).into_owned(),
                    |known| known.name.clone(),
                ),
                received,
                sent,
                errors: receive_errors + send_errors,
            };
            live.push(rates(&interface, known, time));
            self.0.push(interface);
        }
        few(live)
    }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    // a name may hold a colon of its own (an alias), the numbers hold none
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let name = words(&line[..colon]).next()?;
    Some((name, &line[colon + 1..]))
}

/// Bytes and errors received, bytes and errors sent.
fn counters(numbers: &[u8]) -> Option<[u64; 4]> {
    let mut all = words(numbers).map(number);
    let received = all.next()??;
    let receive_errors = all.nth(1)??;
    let sent = all.nth(5)??;
    let send_errors = all.nth(1)??;
    Some([received, receive_errors, sent, send_errors])
}

fn rates(after: &Interface, before: Option<&Interface>, time: Option<Duration>) -> LiveInterface {
    // an interface that was taken down and made anew counts anew with all its counters
    let pair = before.zip(time).filter(|(before, _)| {
        before.received <= after.received
            && before.sent <= after.sent
            && before.errors <= after.errors
    });
    let rate = |of: fn(&Interface) -> u64| {
        let (before, time) = pair?;
        per_second(of(before), of(after), time)
    };
    LiveInterface {
        name: after.name.clone(),
        is_physical: after.is_physical,
        received_bytes_per_second: rate(|it| it.received),
        sent_bytes_per_second: rate(|it| it.sent),
        errors_per_second: rate(|it| it.errors),
        received_bytes: after.received,
        sent_bytes: after.sent,
        errors: after.errors,
    }
}

fn few(mut live: Vec<LiveInterface>) -> Vec<LiveInterface> {
    if live.len() > INTERFACES_MAX {
        live.sort_by_key(|it| {
            let carried = it.received_bytes.saturating_add(it.sent_bytes);
            (!it.is_physical, std::cmp::Reverse(carried))
        });
        live.truncate(INTERFACES_MAX);
    }
    live
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));

    fn text(interfaces: &[(&str, u64, u64, u64)]) -> Vec<u8> {
        let mut text = "Inter-|   Receive                            |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n".to_owned();
        for (name, received, sent, errors) in interfaces {
            writeln!(
                text,
                "{name:>6}: {received} 1 {errors} 0 0 0 0 0 {sent} 1 0 0 0 0 0 0"
            )
            .unwrap();
        }
        text.into_bytes()
    }

    fn told(live: &[LiveInterface]) -> Vec<(&str, Option<f64>, Option<f64>)> {
        live.iter()
            .map(|it| {
                (
                    it.name.as_str(),
                    it.received_bytes_per_second,
                    it.sent_bytes_per_second,
                )
            })
            .collect()
    }

    #[test]
    fn rates_are_of_the_time_between() {
        let class = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(class.path().join("eth0/device")).unwrap();
        let mut network = Network::default();
        let first = network.sample(
            &text(&[("lo", 5, 5, 0), ("eth0", 100, 200, 1)]),
            None,
            class.path(),
        );
        assert_eq!(told(&first), [("lo", None, None), ("eth0", None, None)]);
        assert_eq!(
            first.iter().map(|it| it.is_physical).collect::<Vec<_>>(),
            [false, true]
        );
        let second = network.sample(
            &text(&[("lo", 5, 5, 0), ("eth0", 1100, 250, 3)]),
            SECOND,
            class.path(),
        );
        assert_eq!(
            told(&second),
            [
                ("lo", Some(0.0), Some(0.0)),
                ("eth0", Some(1000.0), Some(50.0))
            ]
        );
        assert_eq!(second[1].errors_per_second, Some(2.0));
        assert_eq!((second[1].received_bytes, second[1].errors), (1100, 3));
    }

    #[test]
    fn a_renamed_a_new_and_a_reset_interface_have_no_rates_at_first() {
        let class = tempfile::tempdir().unwrap();
        let mut network = Network::default();
        network.sample(
            &text(&[("eth0", 100, 100, 0), ("wg0", 100, 100, 0)]),
            None,
            class.path(),
        );
        // one counter alone that fell tells that the other began anew, too
        let live = network.sample(
            &text(&[("lan0", 100, 100, 0), ("wg0", 5, 900, 0)]),
            SECOND,
            class.path(),
        );
        assert_eq!(told(&live), [("lan0", None, None), ("wg0", None, None)]);
        let live = network.sample(&text(&[("wg0", 6, 901, 0)]), SECOND, class.path());
        assert_eq!(told(&live), [("wg0", Some(1.0), Some(1.0))]);
    }

    #[test]
    fn numbers_that_touch_the_colon_and_names_with_a_colon_are_read() {
        let class = tempfile::tempdir().unwrap();
        let line = b"eth0:1:123456 1 0 0 0 0 0 0 99 1 0 0 0 0 0 0\n";
        let live = Network::default().sample(line, None, class.path());
        assert_eq!(
            (
                live[0].name.as_str(),
                live[0].received_bytes,
                live[0].sent_bytes
            ),
            ("eth0:1", 123_456, 99)
        );
    }

    #[test]
    fn of_hundreds_those_that_matter_are_told() {
        let class = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(class.path().join("eth0/device")).unwrap();
        let names: Vec<String> = (0..300).map(|index| format!("veth{index}")).collect();
        let mut all: Vec<(&str, u64, u64, u64)> = names
            .iter()
            .zip(0..)
            .map(|(name, bytes)| (name.as_str(), bytes, 0, 0))
            .collect();
        all.push(("eth0", 0, 0, 0));
        let live = Network::default().sample(&text(&all), None, class.path());
        assert_eq!(live.len(), INTERFACES_MAX);
        assert_eq!(live[0].name, "eth0");
        assert_eq!(live[1].name, "veth299");
    }
}
