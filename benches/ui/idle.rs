//! What an open window takes while nothing happens: in view, and hidden; beside a trivial app of the same webview.

use std::time::Duration;

use crate::figures::{heading, median, row, spread, verdict};
use crate::program::{Program, Taken, Which, look};
use crate::{driver, program};

/// Until what is done once is done: scripts are compiled and what they left is given back.
const SETTLING: Duration = Duration::from_secs(30);

pub(crate) async fn measure(rounds: usize, time: Duration) {
    heading("An open window, nothing happens: the program and its webview's processes");
    let (mut percents, mut megabytes) = ([vec![], vec![]], [vec![], vec![]]);
    let mut hidden = vec![];
    for _ in 0..rounds {
        for (index, which) in Which::BOTH.into_iter().enumerate() {
            let home = tempfile::tempdir().unwrap();
            let program = Program::start(&which.path(), &[], home.path());
            tokio::time::sleep(SETTLING).await;
            megabytes[index].push(look(program.pid()).megabytes);
            percents[index].push(percent(program.pid(), time).await);
        }
        hidden.push(while_hidden(time).await);
    }
    let seconds = format!("{rounds} × {} s", time.as_secs());
    row(
        "CPU, Overview in view",
        &seconds,
        &spread(&percents[0], 2, "% of a core"),
        Some(&spread(&percents[1], 2, "%")),
        &verdict("at most 0.5 %", median(&percents[0]) <= 0.5),
    );
    row(
        "CPU, hidden",
        &seconds,
        &spread(&hidden, 2, "% of a core"),
        None,
        &verdict("at most 0.2 %", median(&hidden) <= 0.2),
    );
    let ratio = median(&megabytes[0]) / median(&megabytes[1]);
    row(
        "memory (PSS), Overview in view",
        &format!("{rounds}, {} s after the start", SETTLING.as_secs()),
        &spread(&megabytes[0], 0, "MB"),
        Some(&spread(&megabytes[1], 0, "MB")),
        &verdict(&format!("at most 1.25 ×, is {ratio:.2} ×"), ratio <= 1.25),
    );
}

/// Processor time of a while, in percent of one core.
async fn percent(pid: u32, time: Duration) -> f64 {
    let before: Taken = program::look(pid);
    tokio::time::sleep(time).await;
    (program::look(pid).seconds - before.seconds) / time.as_secs_f64() * 100.0
}

async fn while_hidden(time: Duration) -> f64 {
    let home = tempfile::tempdir().unwrap();
    let (_driver, client, pid) = driver::open(Which::Upkeep, home.path()).await;
    driver::until(
        &client,
        "return !!document.querySelector('[data-testid=card-health-check]')",
    )
    .await;
    client.minimize_window().await.unwrap();
    driver::until(&client, "return document.visibilityState === 'hidden'").await;
    tokio::time::sleep(SETTLING).await;
    let percent = percent(pid, time).await;
    client.close().await.unwrap();
    percent
}
