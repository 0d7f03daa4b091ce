//! Windows as a window manager sees them.

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, InputFocus, Window,
};
use x11rb::rust_connection::RustConnection;

/// Asks the window of that title to close, as a click on its cross does (ICCCM, `WM_DELETE_WINDOW`).
pub(crate) fn close(title: &str) {
    let (connection, screen) = x11rb::connect(None).unwrap();
    let root = connection.setup().roots[screen].root;
    let window =
        find(&connection, root, title).unwrap_or_else(|| panic!("no window is called {title}"));
    let atom = |name: &str| {
        connection
            .intern_atom(false, name.as_bytes())
            .unwrap()
            .reply()
            .unwrap()
            .atom
    };
    let message = ClientMessageEvent::new(
        32,
        window,
        atom("WM_PROTOCOLS"),
        [atom("WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0],
    );
    connection
        .send_event(false, window, EventMask::NO_EVENT, message)
        .unwrap()
        .check()
        .unwrap();
}

/// Gives the window of that title the keyboard, as a window manager does when it is clicked.
pub(crate) fn focus(title: &str) {
    let (connection, screen) = x11rb::connect(None).unwrap();
    let root = connection.setup().roots[screen].root;
    let window =
        find(&connection, root, title).unwrap_or_else(|| panic!("no window is called {title}"));
    give_keyboard(&connection, window);
}

/// Takes the keyboard from every window.
pub(crate) fn unfocus() {
    let (connection, _) = x11rb::connect(None).unwrap();
    give_keyboard(&connection, x11rb::NONE);
}

fn give_keyboard(connection: &RustConnection, window: Window) {
    connection
        .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)
        .unwrap()
        .check()
        .unwrap();
}

/// The window of that title which speaks the protocol of closing.
fn find(connection: &RustConnection, window: Window, title: &str) -> Option<Window> {
    let property = |name: AtomEnum| {
        let cookie = connection.get_property(false, window, name, AtomEnum::ANY, 0, 1024);
        cookie.unwrap().reply().ok()
    };
    let named = property(AtomEnum::WM_NAME).is_some_and(|name| name.value == title.as_bytes());
    // the toolkit's helper windows carry the name, too, but are no program's main window
    if named
        && property(AtomEnum::WM_CLIENT_MACHINE).is_some_and(|machine| !machine.value.is_empty())
    {
        return Some(window);
    }
    let children = connection
        .query_tree(window)
        .unwrap()
        .reply()
        .ok()?
        .children;
    children
        .into_iter()
        .find_map(|child| find(connection, child, title))
}
