//! `docs/state_machine.md` names the tests that show what it says: they must be there.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_test_that_the_document_names_is_in_the_suite() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(here.join("../../docs/state_machine.md")).unwrap();
    let named: BTreeSet<(&str, &str)> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .collect();
    assert!(
        named.len() > 40,
        "the document names too few tests: {named:?}"
    );
    for (module, name) in named {
        let file = here.join(format!("tests/conformance/{module}.rs"));
        let text = std::fs::read_to_string(&file)
            .or_else(|_| {
                std::fs::read_to_string(here.join(format!("tests/conformance/{module}/mod.rs")))
            })
            .unwrap_or_else(|_| panic!("{module}::{name}: there is no {}", file.display()));
        let registered = text.contains(&format!("\n    {name},\n"))
            || text.contains(&format!("on_both_engines!({name})"))
            || text.contains(&format!("#[tokio::test]\nasync fn {name}("))
            || text.contains(&format!("\nmod {name} {{\n    #[test]"));
        assert!(registered, "{module}::{name} is no test");
    }
}
