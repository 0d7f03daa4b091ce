//! How the webview draws where there is no graphics card: a virtual machine, a remote session.

use std::path::Path;

/// The webview (`WebKit` 2.46 and newer) reads it when it starts: pages are painted by the processor instead of by OpenGL,
/// which without a graphics card is the processor as well, by way of Mesa's software renderer. Measured with
/// `make bench-ui`: docs/benchmarks.md, "The window".
const PAINT_BY_PROCESSOR: &str = "WEBKIT_SKIA_ENABLE_CPU_RENDERING";

/// Where the kernel shows graphics cards that can draw: `renderD128` and so on.
const CARDS: &str = "/dev/dri";

/// Begins this program anew with the cheaper way of painting where no graphics card is. A variable that
/// somebody has set, to whatever value, stays.
pub(crate) fn choose() {
    if std::env::var_os(PAINT_BY_PROCESSOR).is_none() && !has_card(Path::new(CARDS)) {
        begin_anew();
    }
}

/// A folder that cannot be read counts as one with a card: then nothing is changed.
fn has_card(cards: &Path) -> bool {
    match std::fs::read_dir(cards) {
        Ok(entries) => entries.flatten().any(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with("renderD"))
        }),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// A process cannot safely change its own environment once it has threads, but it can begin anew:
/// the same process, with the same arguments. It takes some milliseconds.
#[cfg(target_os = "linux")]
fn begin_anew() {
    use std::os::unix::process::CommandExt;
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            tracing::debug!(%error, "the webview draws as it does by itself");
            return;
        }
    };
    let mut command = std::process::Command::new(program);
    command.args(arguments).env(PAINT_BY_PROCESSOR, "1");
    if let Some(name) = name {
        command.arg0(name);
    }
    // it comes back only when it failed
    let error = command.exec();
    tracing::debug!(%error, "the webview draws as it does by itself");
}

#[cfg(not(target_os = "linux"))]
fn begin_anew() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_one_that_can_draw() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_card(&folder.path().join("missing")));
        assert!(!has_card(folder.path()));
        std::fs::write(folder.path().join("card0"), "").unwrap();
        assert!(
            !has_card(folder.path()),
            "it shows pictures, but cannot draw"
        );
        std::fs::write(folder.path().join("renderD128"), "").unwrap();
        assert!(has_card(folder.path()));
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(
            has_card(&folder.path().join("file")),
            "not known: nothing is changed"
        );
    }
}
