//! Who asks: the person at the keyboard, as tasks and the audit trail name them.

/// Text such as `anna@desk-7 (desktop)`. Never empty, and of one line.
pub(crate) fn requester(front_door: &str, host: &str) -> String {
    named(whoami::username().ok().as_deref(), front_door, host)
}

fn named(user: Option<&str>, front_door: &str, host: &str) -> String {
    let known = |text: &str| {
        let text: String = text.chars().filter(|each| !each.is_control()).collect();
        let text = text.trim().to_owned();
        if text.is_empty() {
            "unknown".to_owned()
        } else {
            text
        }
    };
    format!(
        "{}@{} ({})",
        known(user.unwrap_or_default()),
        known(host),
        known(front_door)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requester_is_never_empty_and_of_one_line() {
        let check = |user: Option<&str>, host: &str, expect: &str| {
            assert_eq!(named(user, "desktop", host), expect);
        };
        check(Some("anna"), "desk-7", "anna@desk-7 (desktop)");
        check(None, "desk-7", "unknown@desk-7 (desktop)");
        check(Some(" "), "", "unknown@unknown (desktop)");
        check(Some("an\nna"), "desk-7", "anna@desk-7 (desktop)");
    }

    #[test]
    fn the_person_at_the_keyboard_has_a_name() {
        let who = requester("desktop", "desk-7");
        assert!(who.ends_with("@desk-7 (desktop)"), "{who}");
        assert!(!who.starts_with('@'), "{who}");
    }
}
