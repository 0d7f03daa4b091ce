//! One sample of the host, in turn with psutil taking the same figures.

use std::time::Instant;

use upkeep_contract::live::LiveSample;
use upkeep_contract::{Clock, SystemClock};
use upkeep_operations::LiveSampler;

use crate::figures::{heading, quantile, row, times, verdict};
use crate::peer::Peer;

/// So many rounds, in turn.
const ROUNDS: usize = 20;

/// So many samples in a round.
const SAMPLES: usize = 100;

/// Samples in a round that reads all processes, too.
const HEAVY: usize = 10;

type Sample = fn(&mut LiveSampler) -> LiveSample;

pub(crate) fn measure() {
    heading(
        "A full sample: CPU and cores, memory, swap, load, space and inodes, disks, network; ours also pressure",
    );
    let mut peer = Peer::start();
    compare(
        &mut peer,
        "all figures but processes",
        "figures",
        SAMPLES,
        |sampler| sampler.sample_without_processes(SystemClock.now()),
    );
    compare(
        &mut peer,
        "with the busiest processes",
        "all",
        HEAVY,
        |sampler| sampler.sample_all(SystemClock.now()),
    );
    if peer.is_none() {
        println!("\n(psutil is left out: python3 has no module psutil)");
    }
}

fn compare(peer: &mut Option<Peer>, what: &str, question: &str, samples: usize, sample: Sample) {
    let mut sampler = LiveSampler::new();
    sample(&mut sampler);
    if let Some(peer) = peer {
        peer.ask(&format!("{question} 3"));
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..samples {
            let begun = Instant::now();
            let live = sample(&mut sampler);
            ours.push(begun.elapsed().as_secs_f64() * 1000.0);
            assert!(live.memory.total_bytes > 0 && !live.cpu.cores.is_empty());
        }
        if let Some(peer) = peer {
            theirs.extend(peer.ask(&format!("{question} {samples}")));
        }
    }
    let ratio = (!theirs.is_empty()).then(|| quantile(&ours, 0.5) / quantile(&theirs, 0.5));
    let bar = ratio.map_or_else(
        || "–".to_owned(),
        |ratio| verdict("at most psutil's time", ratio <= 1.0),
    );
    let theirs = (!theirs.is_empty()).then(|| times(&theirs));
    row(
        what,
        &format!("{ROUNDS} × {samples} each, in turn"),
        &times(&ours),
        theirs.as_deref(),
        ratio,
        &bar,
    );
}
