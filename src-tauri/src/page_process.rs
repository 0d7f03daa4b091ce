//! The process that shows the page, which is not ours: what it must not do, and what happens when it dies.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use tauri::plugin::{Builder, TauriPlugin};
use tauri::{Webview, Wry};
use webkit2gtk::glib::object::ObjectExt;
use webkit2gtk::{WebView, WebViewExt};

/// A page that dies again within this time is not loaded at once: it may die of what it shows.
const SHORTLY: Duration = Duration::from_secs(60);

/// The pause before it is loaded then.
const PAUSE: Duration = Duration::from_secs(10);

/// Looks after every webview from its beginning.
pub(crate) fn looked_after() -> TauriPlugin<Wry> {
    Builder::new("page-process")
        .on_webview_ready(|webview| look_after(&webview))
        .build()
}

fn look_after(webview: &Webview) {
    let of_page = webview.clone();
    let set_up = webview.with_webview(move |platform| {
        let view = platform.inner();
        draw_canvases_by_processor(&view);
        let ends = RefCell::new(Ends::default());
        view.connect_web_process_terminated(move |_, reason| {
            let pause = ends.borrow_mut().pause(Instant::now());
            tracing::error!(
                ?reason,
                ?pause,
                "the page's process has died; the page is loaded anew"
            );
            tauri::async_runtime::spawn(load_anew(of_page.clone(), pause));
        });
    });
    if let Err(error) = set_up {
        tracing::warn!(%error, "cannot look after the page's process");
    }
}

/// `WebKitGTK` 2.50 has OpenGL draw larger canvases, keeps what that needs in one cache of the main thread, and gives
/// some of it back from the thread that composes the page, without a lock: now and then that ends the process, with
/// an illegal instruction in Skia's `GrResourceCache`. Charts take less without it (docs/benchmarks.md, "The window").
fn draw_canvases_by_processor(view: &WebView) {
    /// Since 2.46; older ones draw so anyway.
    const ACCELERATION: &str = "enable-2d-canvas-acceleration";
    let settings = WebViewExt::settings(view);
    if let Some(settings) = settings.filter(|known| known.has_property(ACCELERATION, None)) {
        settings.set_property(ACCELERATION, false);
        tracing::debug!("canvases are drawn by the processor");
    }
}

/// Without its process a window stays blank for good. Nothing is lost with it: tasks are in the queue, and the page
/// reads anew what it shows.
async fn load_anew(webview: Webview, pause: Duration) {
    tokio::time::sleep(pause).await;
    if let Err(error) = webview.reload() {
        tracing::error!(%error, "cannot load the page anew; close the window and open it again");
    }
}

/// When a page's process died last.
#[derive(Debug, Default)]
struct Ends {
    last: Option<Instant>,
}

impl Ends {
    /// How long to wait before the page is loaded, now that its process has died.
    fn pause(&mut self, now: Instant) -> Duration {
        let again = self
            .last
            .replace(now)
            .is_some_and(|before| now.duration_since(before) < SHORTLY);
        if again { PAUSE } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_dies_shortly_after_is_not_loaded_at_once() {
        let begun = Instant::now();
        let mut ends = Ends::default();
        assert_eq!(ends.pause(begun), Duration::ZERO);
        assert_eq!(ends.pause(begun + Duration::from_secs(59)), PAUSE);
        assert_eq!(ends.pause(begun + Duration::from_secs(69)), PAUSE);
        assert_eq!(ends.pause(begun + Duration::from_secs(129)), Duration::ZERO);
    }
}
