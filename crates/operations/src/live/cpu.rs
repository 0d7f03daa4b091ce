//! The processors, out of `/proc/stat`.

use upkeep_contract::live::{LiveCore, LiveCpu};

use super::rates::share;
use super::text::{lines, number, words};

/// Clock ticks since the start of the host, by what they were spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    user: u64,
    system: u64,
    idle: u64,
    iowait: u64,
    steal: u64,
}

impl Ticks {
    /// `user nice system idle iowait irq softirq steal`; guests are counted within `user` already.
    fn read<'a>(mut numbers: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut next = || numbers.next().and_then(number).unwrap_or(0);
        let (user, nice, system, idle) = (next(), next(), next(), next());
        let (iowait, irq, softirq, steal) = (next(), next(), next(), next());
        Self {
            user: user + nice,
            system: system + irq + softirq,
            idle,
            iowait,
            steal,
        }
    }

    /// What was spent since. Some kernels let single counters step back: that is no time at all.
    fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
            idle: self.idle.saturating_sub(before.idle),
            iowait: self.iowait.saturating_sub(before.iowait),
            steal: self.steal.saturating_sub(before.steal),
        }
    }

    fn all(self) -> u64 {
        self.user + self.system + self.idle + self.iowait + self.steal
    }

    fn busy(self) -> Option<f64> {
        share(self.all() - self.idle - self.iowait, self.all())
    }
}

/// What was read last.
#[derive(Debug, Default)]
pub(super) struct Cpu {
    whole: Option<Ticks>,
    cores: Vec<(u32, Ticks)>,
}

impl Cpu {
    /// The shares since the last reading; none when there are no rates.
    pub(super) fn sample(&mut self, stat: &[u8], with_rates: bool) -> LiveCpu {
        let before = self.whole.take().filter(|_| with_rates);
        let cores_before = std::mem::take(&mut self.cores);
        let mut live = LiveCpu::default();
        // the long line of interrupts comes after those of the processors
        for line in lines(stat).take_while(|line| line.starts_with(b"cpu")) {
            let mut parts = words(line);
            let name = parts.next().unwrap_or_default();
            let ticks = Ticks::read(parts);
            match number(&name[3..]) {
                None => {
                    self.whole = Some(ticks);
                    let spent = before.map(|before| ticks.since(before));
                    let part = |of: fn(Ticks) -> u64| {
                        spent.and_then(|spent| share(of(spent), spent.all()))
                    };
                    live.percent = spent.and_then(Ticks::busy);
                    live.user_percent = part(|spent| spent.user);
                    live.system_percent = part(|spent| spent.system);
                    live.iowait_percent = part(|spent| spent.iowait);
                    live.steal_percent = part(|spent| spent.steal);
                }
                Some(core) => {
                    let core = u32::try_from(core).unwrap_or(u32::MAX);
                    // cores stand in order, so the one before is nearly always at the same place
                    let same_place = cores_before.get(self.cores.len());
                    let known = same_place
                        .filter(|(known, _)| *known == core)
                        .or_else(|| cores_before.iter().find(|(known, _)| *known == core))
                        .filter(|_| with_rates);
                    live.cores.push(LiveCore {
                        core,
                        percent: known.and_then(|(_, before)| ticks.since(*before).busy()),
                    });
                    self.cores.push((core, ticks));
                }
            }
        }
        live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] =
        b"cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 50 0 25 400 25 0 0 0\ncpu1 50 0 25 400 25 0 0 0\nintr 1 2 3\n";
    const SECOND: &[u8] =
        b"cpu  120 10 60 850 55 3 2 0 7 0\ncpu0 80 0 25 450 25 0 0 0\ncpu1 50 0 25 400 25 0 0 0\nintr 1 2 3\n";

    #[test]
    fn shares_are_those_between_two_samples_and_waiting_for_disks_is_idle() {
        let mut cpu = Cpu::default();
        let first = cpu.sample(FIRST, false);
        assert_eq!((first.percent, first.cores.len()), (None, 2));
        let second = cpu.sample(SECOND, true);
        // 30 in programs, 15 in the kernel, 50 idle, 5 waiting
        assert_eq!(second.percent, Some(45.0));
        assert_eq!(second.user_percent, Some(30.0));
        assert_eq!(second.system_percent, Some(15.0));
        assert_eq!(second.iowait_percent, Some(5.0));
        assert_eq!(second.steal_percent, Some(0.0));
        assert_eq!(second.cores[0].percent, Some(37.5));
        assert_eq!(second.cores[1].percent, None, "no time passed for it");
    }

    #[test]
    fn cores_are_told_apart_when_some_are_turned_off() {
        let mut cpu = Cpu::default();
        cpu.sample(b"cpu  9 0 0 9\ncpu0 9 0 0 9\ncpu2 100 0 0 100\n", false);
        let live = cpu.sample(b"cpu  9 0 0 9\ncpu1 5 0 0 5\ncpu2 110 0 0 130\n", true);
        let cores: Vec<_> = live
            .cores
            .iter()
            .map(|core| (core.core, core.percent))
            .collect();
        assert_eq!(cores, [(1, None), (2, Some(25.0))]);
    }

    #[test]
    fn counters_that_step_back_are_no_negative_share() {
        let mut cpu = Cpu::default();
        cpu.sample(b"cpu  100 0 0 100 50\n", false);
        assert_eq!(cpu.sample(b"cpu  90 0 0 200 40\n", true).percent, Some(0.0));
    }

    #[test]
    fn sixty_four_cores_are_all_told() {
        let text = |ticks: u64| {
            let core = |core| format!("cpu{core} {ticks} 0 0 {}\n", ticks * 3);
            let cores: String = (0..64).map(core).collect();
            format!(
                "cpu  {} 0 0 {}\n{cores}intr {}\n",
                ticks * 64,
                ticks * 192,
                "0 ".repeat(5000)
            )
        };
        let mut cpu = Cpu::default();
        cpu.sample(text(100).as_bytes(), false);
        let live = cpu.sample(text(200).as_bytes(), true);
        assert_eq!(live.cores.len(), 64);
        assert!(live.cores.iter().all(|core| core.percent == Some(25.0)));
        assert_eq!(live.percent, Some(25.0));
    }

    #[test]
    fn a_text_that_is_not_understood_tells_nothing() {
        assert_eq!(Cpu::default().sample(b"", true), LiveCpu::default());
        assert_eq!(
            Cpu::default().sample(b"nonsense\n", true),
            LiveCpu::default()
        );
    }
}
