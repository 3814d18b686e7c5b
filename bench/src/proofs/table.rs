//! The tables of the report.
use std::collections::BTreeSet;

use super::{
    Proved,
    peers::{Compared, Measured, medians},
};
use crate::report::Text;

/// Cores of other programs above which figures are not those of the machine.
const LOADED: f64 = 0.1;

/// The tables: ours, and beside the peers.
pub(crate) fn write(proved: &[Proved], out: &mut Text) {
    out.line("\n## Proofs of small networks\n");
    let heading = [
        "network",
        "weights",
        "runs",
        "constraints",
        "set up s",
        "prove s",
        "verify ms",
        "100 together ms",
        "on all cores ms",
        "key B",
        "proof B",
    ];
    out.row(heading);
    out.rule(heading.len());
    for one in proved {
        let Proved { network, kind, runs, constraints, set_up, prove, verify, verify_hundred, verify_hundred_shared, key, proof, .. } = one;
        out.row([
            network.clone(),
            kind.clone(),
            runs.to_string(),
            constraints.to_string(),
            format!("{set_up:.2}"),
            format!("{prove:.3}"),
            format!("{:.2}", verify * 1e3),
            format!("{:.1}", verify_hundred * 1e3),
            format!("{:.1}", verify_hundred_shared * 1e3),
            key.to_string(),
            proof.to_string(),
        ]);
    }
    out.line("\nMedians; setting up once. Proving includes the witness and the check of the proof. Verification is by a prepared key, decoding included.");
    beside(proved, out);
}

const HEADING: [&str; 14] = [
    "network",
    "weights",
    "runs",
    "prover",
    "constraints",
    "set up s",
    "its CPU s",
    "prove s",
    "lowest - highest",
    "its CPU s",
    "verify ms",
    "proof B",
    "keys B: verifying, proving",
    "cores: others",
];

/// The same statements by all provers.
fn beside(proved: &[Proved], out: &mut Text) {
    out.line("\n### Beside gnark and ezkl\n");
    out.row(HEADING);
    out.rule(HEADING.len());
    let (mut versions, mut absent) = (BTreeSet::new(), BTreeSet::new());
    for one in proved.iter().filter(|one| !one.peers.is_empty()) {
        out.row(our_row(one));
        for peer in &one.peers {
            match &peer.outcome {
                Ok(measured) => {
                    versions.insert(measured.version.clone());
                    out.row(peer_row(one, peer, measured));
                }
                Err(reason) => {
                    absent.insert(format!("{} was not measured: {reason}.", peer.peer));
                }
            }
        }
    }
    out.line(
        "\nOne after another on the same machine, each with all cores. gnark proves our statement, public input included, in a circuit built as ours \
         is; its second figure for verification is that of a decoded proof. ezkl proves the network in its own fixed-point arithmetic with hashed \
         inputs and hashed or fixed weights, without saturation, argmax and salts; its constraints are rows of its table, its key is read for each \
         proof. Medians; CPU of ours is the mean of all proofs, since the clock of it ticks 100 times a second.",
    );
    if !versions.is_empty() {
        out.line(format!("Versions: {}.", versions.into_iter().collect::<Vec<_>>().join(", ")));
    }
    for line in absent {
        out.line(format!("**{line}**"));
    }
    if proved.iter().any(|one| one.others_cores > LOADED || one.peers.iter().any(|peer| peer.others_cores > LOADED)) {
        out.line(format!("**Under load:** rows with more than {LOADED} in the last column were measured while other programs ran."));
    }
}

fn our_row(one: &Proved) -> [String; 14] {
    [
        one.network.clone(),
        one.kind.clone(),
        one.runs.to_string(),
        "cairn".into(),
        one.constraints.to_string(),
        format!("{:.2}", one.set_up),
        format!("{:.2}", one.set_up_cpu),
        format!("**{:.3}**", one.prove),
        span(one.prove_each.iter().copied()),
        format!("{:.3}", one.prove_cpu),
        format!("{:.2}", one.verify * 1e3),
        one.proof.to_string(),
        format!("{}, {}", one.key, one.proving_key),
        format!("{:.2}", one.others_cores),
    ]
}

fn peer_row(one: &Proved, peer: &Compared, measured: &Measured) -> [String; 14] {
    let prove = medians(&measured.prove).unwrap_or_default();
    let mut verify = format!("{:.2}", medians(&measured.verify).unwrap_or_default().wall * 1e3);
    if let Some(decoded) = medians(&measured.verify_decoded) {
        verify.push_str(&format!(" ({:.2})", decoded.wall * 1e3));
    }
    [
        one.network.clone(),
        one.kind.clone(),
        one.runs.to_string(),
        peer.peer.into(),
        measured.constraints.to_string(),
        format!("{:.2}", measured.set_up.wall),
        format!("{:.2}", measured.set_up.cpu),
        format!("**{:.3}**", prove.wall),
        span(measured.prove.iter().map(|step| step.wall)),
        format!("{:.3}", prove.cpu),
        verify,
        measured.proof.to_string(),
        format!("{}, {}", measured.verifying_key, measured.proving_key),
        format!("{:.2}", peer.others_cores),
    ]
}

fn span(values: impl Iterator<Item = f64>) -> String {
    let (low, high) = values.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), value| (low.min(value), high.max(value)));
    format!("{low:.3} - {high:.3}")
}
