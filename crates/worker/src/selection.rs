//! Which operations a worker performs, as the command line names them.

use std::str::FromStr;

use upkeep_contract::OperationId;
use upkeep_operations::Registry;

use crate::cli::Failure;

/// Every operation.
const ALL: &str = "all";

/// The operations somebody chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Every operation that exists.
    All,
    /// These alone.
    Only(Vec<OperationId>),
}

impl FromStr for Selection {
    type Err = String;

    /// Ids with commas or colons in between: a comma cannot stand in the name of a systemd unit.
    fn from_str(list: &str) -> Result<Self, String> {
        let names: Vec<&str> = list.split([',', ':']).map(str::trim).collect();
        if names == [ALL] {
            return Ok(Self::All);
        }
        if names.contains(&ALL) {
            return Err("`all` stands alone".to_owned());
        }
        if names.contains(&"") {
            return Err("give ids with commas or colons in between, or `all`".to_owned());
        }
        Ok(Self::Only(
            names.into_iter().map(OperationId::from).collect(),
        ))
    }
}

impl Selection {
    /// The registry with the chosen operations alone.
    pub(crate) fn choose_from(&self, registry: Registry) -> Result<Registry, Failure> {
        let Self::Only(chosen) = self else {
            return Ok(registry);
        };
        if let Some(unknown) = chosen.iter().find(|id| !registry.ids().contains(id)) {
            return Err(no_such_operation(unknown, &registry, "one or more of"));
        }
        Ok(registry.only(chosen))
    }

    /// Whether this operation is among the chosen.
    pub(crate) fn includes(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(chosen) => chosen.iter().any(|chosen| chosen.as_str() == id),
        }
    }
}

/// The usage error that lists what there is.
pub(crate) fn no_such_operation(id: &OperationId, registry: &Registry, use_: &str) -> Failure {
    let known: Vec<&str> = registry.ids().iter().map(OperationId::as_str).collect();
    Failure::usage(
        format!("there is no operation `{id}`"),
        format!("use {use_}: {}", known.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_commas_or_colons() {
        let check = |list: &str, expect: Option<&[&str]>| {
            let expect = expect.map(|ids| {
                if ids == [ALL] {
                    Selection::All
                } else {
                    Selection::Only(ids.iter().map(|id| OperationId::from(*id)).collect())
                }
            });
            assert_eq!(list.parse::<Selection>().ok(), expect, "{list}");
        };
        check("all", Some(&["all"]));
        check("health-check", Some(&["health-check"]));
        check(
            "health-check:log-statistics",
            Some(&["health-check", "log-statistics"]),
        );
        check(
            "health-check, log-statistics",
            Some(&["health-check", "log-statistics"]),
        );
        check("", None);
        check("health-check,", None);
        check("all:health-check", None);
    }
}
