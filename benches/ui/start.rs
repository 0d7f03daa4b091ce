//! From the start of the program to its window, and to the content of the window, as a screen shows it.

use std::path::Path;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt, EventMask, ImageFormat, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::figures::{heading, median, row, spread, verdict};
use crate::program::{Program, Which};

/// How often the screen is looked at until the content is there.
const LOOK: Duration = Duration::from_millis(15);

/// So long after its start a program shows what it has to show.
const COMPLETE: Duration = Duration::from_millis(4000);

/// A window is a program's main window from this size on.
const LEAST: u16 = 400;

/// So many levels of brightness apart is writing and not paper.
const INK: u8 = 60;

/// This share of the writing makes the content.
const MOST_OF_IT: f64 = 0.9;

pub(crate) fn measure(rounds: usize) {
    heading("From the start to the window, and to its content (release build, warm cache)");
    let (mut windows, mut contents) = ([vec![], vec![]], [vec![], vec![]]);
    for round in 0..=rounds {
        for (index, which) in Which::BOTH.into_iter().enumerate() {
            let (window, content) = once(which);
            // the first round warms the cache
            if round > 0 {
                windows[index].push(window);
                contents[index].push(content);
            }
        }
    }
    for (what, values, bar) in [
        ("to the window", &windows, 0.5),
        ("to the content", &contents, 1.0),
    ] {
        row(
            what,
            &format!("{rounds} starts, in turn"),
            &spread(&values[0], 3, "s"),
            Some(&spread(&values[1], 3, "s")),
            &verdict(&format!("at most {bar} s"), median(&values[0]) <= bar),
        );
    }
}

/// Seconds to the window and to its content.
fn once(which: Which) -> (f64, f64) {
    let home = tempfile::tempdir().unwrap();
    let (screen, number) = x11rb::connect(None).unwrap();
    let root = screen.setup().roots[number].root;
    let mask = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
    screen
        .change_window_attributes(root, &mask)
        .unwrap()
        .check()
        .unwrap();
    let begun = Instant::now();
    let program = start(&which.path(), home.path());
    let window = first_window(&screen, begun);
    let to_window = begun.elapsed().as_secs_f64();
    let mut looks = Vec::new();
    while begun.elapsed() < COMPLETE {
        let look = picture(&screen, window);
        looks.push((begun.elapsed().as_secs_f64(), look));
        std::thread::sleep(LOOK);
    }
    drop(program);
    (to_window, content(&looks))
}

fn start(program: &Path, home: &Path) -> Program {
    Program::start(program, &[], home)
}

/// Waits until a window of some size is shown.
fn first_window(screen: &RustConnection, begun: Instant) -> Window {
    loop {
        assert!(begun.elapsed() < Duration::from_secs(30), "no window came");
        if let Event::MapNotify(shown) = screen.wait_for_event().unwrap() {
            let size = screen.get_geometry(shown.window).unwrap().reply();
            if size.is_ok_and(|size| size.width >= LEAST && size.height >= LEAST) {
                return shown.window;
            }
        }
    }
}

/// The brightness of every second point of every second line of the window's upper part.
fn picture(screen: &RustConnection, window: Window) -> Vec<u8> {
    let size = screen.get_geometry(window).unwrap().reply().unwrap();
    let (width, height) = (size.width.min(1200), size.height.min(500));
    let image = screen.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, !0);
    let data = image.unwrap().reply().unwrap().data;
    let lines = data.chunks_exact(usize::from(width) * 4).step_by(2);
    let points = lines.flat_map(|line| line.chunks_exact(8));
    // green is most of what an eye calls bright
    points.map(|point| point[1]).collect()
}

/// When most of the writing of the last look was there first.
fn content(looks: &[(f64, Vec<u8>)]) -> f64 {
    let (_, last) = looks.last().unwrap();
    let mut counts = [0_u32; 256];
    for &point in last {
        counts[usize::from(point)] += 1;
    }
    let paper = (0..=255_u8)
        .max_by_key(|level| counts[usize::from(*level)])
        .unwrap();
    let ink: Vec<usize> = (0..last.len())
        .filter(|index| last[*index].abs_diff(paper) > INK)
        .collect();
    assert!(
        ink.len() > 30,
        "the window stays empty: {} points of writing",
        ink.len()
    );
    let first = looks.iter().find(|(_, look)| {
        let there = ink
            .iter()
            .filter(|index| look.len() == last.len() && look[**index].abs_diff(last[**index]) < 24);
        #[expect(clippy::cast_precision_loss, reason = "some thousands of points")]
        let share = there.count() as f64 / ink.len() as f64;
        share >= MOST_OF_IT
    });
    first.unwrap().0
}
