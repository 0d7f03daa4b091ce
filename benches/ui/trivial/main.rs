//! The smallest Tauri app: one page, no script, no command. What it takes is what a webview takes.

fn main() -> Result<(), tauri::Error> {
    tauri::Builder::default().run(tauri::generate_context!(
        "benches/ui/trivial/tauri.conf.json"
    ))
}
