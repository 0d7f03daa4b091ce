//! Exact percentiles of many values, without sorting all of them.

use upkeep_contract::statistics::Percentiles;

/// The percentiles by nearest rank: the value at position ceil(p × n). Changes the order of the values.
pub(super) fn of(values: &mut [i64]) -> Option<Percentiles> {
    let max_ms = values.iter().copied().max()?;
    let (p95_ms, p99_ms) = (rank(values, 95), rank(values, 99));
    Some(Percentiles {
        count: values.len() as u64,
        p50_ms: rank(values, 50),
        p95_ms,
        p99_ms,
        max_ms,
    })
}

fn rank(values: &mut [i64], percent: usize) -> i64 {
    let position = (values.len() * percent).div_ceil(100).max(1);
    *values.select_nth_unstable(position - 1).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_at_their_nearest_rank() {
        let check = |mut values: Vec<i64>, expect: Option<(i64, i64, i64, i64)>| {
            let got = of(&mut values);
            assert_eq!(
                got.map(|all| (all.p50_ms, all.p95_ms, all.p99_ms, all.max_ms)),
                expect,
                "{values:?}"
            );
        };
        check(vec![], None);
        check(vec![7], Some((7, 7, 7, 7)));
        check(vec![2, 1], Some((1, 2, 2, 2)));
        check((1..=100).rev().collect(), Some((50, 95, 99, 100)));
        check((1..=101).collect(), Some((51, 96, 100, 101)));
        check(vec![-5, -5, 3], Some((-5, 3, 3, 3)));
    }
}
