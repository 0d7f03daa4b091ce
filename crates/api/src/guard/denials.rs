//! Denials: counted for each peer, logged and audited, but never so often that a flood fills a disk.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::App;
use crate::problem::Problem;

/// Wrong credentials that one peer may send within the window before it is turned away unheard.
const FAILURES_MAX: u32 = 20;
const FAILURES_WINDOW: Duration = Duration::from_secs(60);
/// Peers that are remembered; when there are more, the oldest are forgotten.
const PEERS_MAX: usize = 4096;

/// So many denials are told at once, and one more after each pause.
const TOLD_AT_ONCE: u32 = 20;
const TOLD_PAUSE: Duration = Duration::from_secs(10);
/// Of a path only the beginning is kept.
const PATH_MAX: usize = 200;

/// What is remembered of denials.
#[derive(Debug, Default)]
pub(crate) struct Denials(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    peers: HashMap<IpAddr, (Instant, u32)>,
    told: Option<Budget>,
}

#[derive(Debug)]
struct Budget {
    left: u32,
    refilled: Instant,
    kept_back: u64,
}

/// The request that was denied.
pub(crate) struct About {
    pub(crate) peer: IpAddr,
    pub(crate) method: Method,
    pub(crate) path: String,
}

impl Denials {
    /// Counts a wrong credential; after too many the answer is to wait. The right one is always heard:
    /// nobody can lock the operator out by guessing.
    pub(crate) fn count(&self, peer: IpAddr, problem: Problem) -> Problem {
        if problem.status() != StatusCode::UNAUTHORIZED {
            return problem;
        }
        let mut remembered = self.remembered();
        if remembered.peers.len() >= PEERS_MAX {
            remembered
                .peers
                .retain(|_, (since, _)| since.elapsed() < FAILURES_WINDOW);
            if remembered.peers.len() >= PEERS_MAX {
                remembered.peers.clear();
            }
        }
        let (since, failures) = remembered
            .peers
            .entry(peer)
            .or_insert_with(|| (Instant::now(), 0));
        if since.elapsed() >= FAILURES_WINDOW {
            (*since, *failures) = (Instant::now(), 0);
        }
        *failures = failures.saturating_add(1);
        if *failures <= FAILURES_MAX {
            return problem;
        }
        let wait = FAILURES_WINDOW.saturating_sub(since.elapsed()).as_secs() + 1;
        Problem::too_many(
            "too many wrong credentials came from this address",
            u32::try_from(wait).unwrap_or(u32::MAX),
        )
    }

    /// Whether this denial is told, and how many before it were not.
    fn may_tell(&self) -> Option<u64> {
        let mut remembered = self.remembered();
        let budget = remembered.told.get_or_insert_with(|| Budget {
            left: TOLD_AT_ONCE,
            refilled: Instant::now(),
            kept_back: 0,
        });
        let pauses = budget.refilled.elapsed().as_secs() / TOLD_PAUSE.as_secs();
        if pauses > 0 {
            let more = u32::try_from(pauses).unwrap_or(u32::MAX);
            budget.left = budget.left.saturating_add(more).min(TOLD_AT_ONCE);
            budget.refilled = Instant::now();
        }
        if budget.left == 0 {
            budget.kept_back += 1;
            return None;
        }
        budget.left -= 1;
        Some(std::mem::take(&mut budget.kept_back))
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs and audits a denial. Whoever was denied does not wait for it.
pub(crate) fn tell(app: &App, about: &About, problem: &Problem) {
    let Some(kept_back) = app.denials.may_tell() else {
        return;
    };
    let path: String = about
        .path
        .chars()
        .filter(|sign| !sign.is_control())
        .take(PATH_MAX)
        .collect();
    let why = problem.reply.message.clone();
    let status = problem.status().as_u16();
    tracing::warn!(peer = %about.peer, method = %about.method, path, status, kept_back, "denied: {why}");
    let details = json!({
        "peer": about.peer.to_string(),
        "method": about.method.as_str(),
        "path": path,
        "status": status,
        "kept_back": kept_back,
    });
    let app = app.clone();
    tokio::spawn(async move {
        let recorded = match app.console().await {
            Ok(console) => console.record_denial(&why, &details).await,
            // the log has it
            Err(_) => return,
        };
        if let Err(error) = recorded {
            tracing::warn!(%error, "the audit trail was not told of a denial");
        }
    });
}
