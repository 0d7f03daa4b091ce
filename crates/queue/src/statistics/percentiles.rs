//! Exact percentiles of many values, without sorting all of them.

use std::collections::BTreeMap;

use upkeep_contract::OperationId;
use upkeep_contract::statistics::Percentiles;

/// The percentiles of each operation, and of all values together.
pub(super) fn by_operation(
    parts: Vec<(OperationId, Vec<i64>)>,
) -> (
    BTreeMap<OperationId, Option<Percentiles>>,
    Option<Percentiles>,
) {
    let mut all = Vec::with_capacity(parts.iter().map(|(_, values)| values.len()).sum());
    let mut each: BTreeMap<OperationId, Vec<i64>> = BTreeMap::new();
    for (operation, values) in parts {
        all.extend_from_slice(&values);
        each.entry(operation).or_default().extend(values);
    }
    let each = each
        .into_iter()
        .map(|(operation, mut values)| (operation, of(&mut values)))
        .collect();
    (each, of(&mut all))
}

/// The percentiles by nearest rank: the value at position ceil(p × n). Changes the order of the values.
pub(super) fn of(values: &mut [i64]) -> Option<Percentiles> {
    let count = values.len();
    let (mut rest, mut left_out) = (values, 0);
    // what lies below one percentile need not be looked at for the next
    let mut rank = |percent: usize| {
        let position = (count * percent).div_ceil(100).max(1) - 1;
        if position < left_out {
            // few values: the same one again
            return None;
        }
        let all = std::mem::take(&mut rest);
        let (_, value, above) = all.select_nth_unstable(position - left_out);
        left_out = position + 1;
        rest = above;
        Some(*value)
    };
    if count == 0 {
        return None;
    }
    let p50_ms = rank(50)?;
    let p95_ms = rank(95).unwrap_or(p50_ms);
    let p99_ms = rank(99).unwrap_or(p95_ms);
    Some(Percentiles {
        count: count as u64,
        p50_ms,
        p95_ms,
        p99_ms,
        max_ms: rest.iter().copied().max().unwrap_or(p99_ms),
    })
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
