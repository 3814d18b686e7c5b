//! Figures of the modules, counted in the committed state: jobs and cases by state, queues and what of them is overdue. Counting stops at
//! [`MOST`] entries a collection, so that a scrape never takes long; a figure at that bound means so many or more.
use anyhow::{Context, Result};
use cairn_kernel::Table;
use cairn_proto::cairn::{annotation::v1::JobState, dispute::v1::CaseState};
use cairn_store::View;
use prometheus_client::{metrics::family::Family, registry::Registry};

use super::{Gauges, signed};
use crate::{App, api::Chain};

/// Entries that are counted of a collection.
pub(super) const MOST: u64 = 50_000;

/// Collections whose entries wait for something, by what they are called in figures. Those of the second list begin with the height at which
/// the entry is due.
const WAITING: [(&str, &str); 9] = [
    ("annotation/CLAIMS", "claims"),
    ("annotation/CHECKS", "bucket_checks"),
    ("annotation/PUT_OFF", "put_off"),
    ("annotation/SETTLING", "settling_jobs"),
    ("annotation/INFERENCES", "inferences"),
    ("annotation/APPEALS", "appeals"),
    ("dispute/DRAWS", "jury_draws"),
    ("dispute/LEAVING", "leaving_jurors"),
    ("licensing/OPEN_SESSIONS", "sessions"),
];
const DUE: [(&str, &str); 7] = [
    ("annotation/DUE", "annotation"),
    ("compute/DUE", "compute"),
    ("compute/LEAVING", "leaving_providers"),
    ("dispute/DUE", "dispute"),
    ("dispute/MATCH_DUE", "matches"),
    ("licensing/DEADLINES", "licensing"),
    ("rewards/DUE", "rewards"),
];
/// Kinds of `annotation/DUE` that belong to leases: commitments and reveals that are awaited.
const LEASE_DEADLINES: [(u8, &str); 2] = [(1, "commit"), (3, "reveal")];
/// Numbers given so far.
const ISSUED: [(&str, &str); 5] = [
    ("annotation/JOB_IDS", "jobs"),
    ("annotation/LEASE_IDS", "leases"),
    ("compute/JOB_IDS", "compute_jobs"),
    ("dispute/CASE_IDS", "cases"),
    ("licensing/IDS", "licences"),
];

pub(super) struct Figures {
    jobs: Gauges<1>,
    cases: Gauges<1>,
    waiting: Gauges<1>,
    overdue: Gauges<1>,
    leases: Gauges<1>,
    issued: Gauges<1>,
}

impl Figures {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self {
            jobs: Family::default(),
            cases: Family::default(),
            waiting: Family::default(),
            overdue: Family::default(),
            leases: Family::default(),
            issued: Family::default(),
        };
        registry.register("jobs", "Annotation jobs by state; 50000 means so many or more", new.jobs.clone());
        registry.register("cases", "Disputes by state; 50000 means so many or more", new.cases.clone());
        registry.register(
            "queue_length",
            "Entries of a queue of the state; counting stops at 50000, which means so many or more",
            new.waiting.clone(),
        );
        registry.register(
            "queue_overdue",
            "Entries of a queue that were due and carried over to a later block, among its first 50000",
            new.overdue.clone(),
        );
        registry.register("lease_deadlines", "Deadlines of leases to come by what they await", new.leases.clone());
        registry.register("issued", "Things of a kind that the chain ever numbered", new.issued.clone());
        new
    }

    pub(super) fn refresh(&self, app: &App) -> Result<()> {
        let (tables, view) = (app.tables(), app.store().view()?);
        let of = |name: &str| tables.iter().find(|t| t.name == name).with_context(|| format!("no collection {name}"));
        let jobs = of("annotation/JOBS_BY_STATE")?;
        for state in (1..=u8::MAX).map_while(|n| JobState::try_from(i32::from(n)).ok().map(|state| (n, state))) {
            let counted = count(&view, &prefix(jobs, &[state.0]))?;
            self.jobs.get_or_create(&[("state", short(state.1.as_str_name(), "JOB_STATE_"))]).set(signed(counted));
        }
        let cases = of("dispute/BY_STATE")?;
        for state in (1..=u8::MAX).map_while(|n| CaseState::try_from(i32::from(n)).ok().map(|state| (n, state))) {
            let counted = count(&view, &prefix(cases, &u32::from(state.0).to_be_bytes()))?;
            self.cases.get_or_create(&[("state", short(state.1.as_str_name(), "CASE_STATE_"))]).set(signed(counted));
        }
        for (name, queue) in WAITING {
            self.waiting.get_or_create(&[("queue", queue.to_owned())]).set(signed(count(&view, of(name)?.prefix)?));
        }
        for (name, queue) in DUE {
            self.due(&view, of(name)?, queue, app.height())?;
        }
        for (name, kind) in ISSUED {
            let last = view.read(of(name)?.prefix)?.map_or(0, |row| number(&row));
            self.issued.get_or_create(&[("kind", kind.to_owned())]).set(signed(last));
        }
        Ok(())
    }

    /// A queue whose keys begin with the height at which they are due; annotation's tell their kind after it.
    fn due(&self, view: &View<'_>, table: &Table, queue: &str, height: u64) -> Result<()> {
        let (mut all, mut overdue, mut leases) = (0_u64, 0_u64, [0_u64; LEASE_DEADLINES.len()]);
        keys(view, table.prefix, |key| {
            all = all.saturating_add(1);
            let Some((at, rest)) = key.split_first_chunk() else { return };
            overdue = overdue.saturating_add(u64::from(u64::from_be_bytes(*at) <= height));
            for ((kind, _), counted) in LEASE_DEADLINES.iter().zip(&mut leases) {
                *counted = counted.saturating_add(u64::from(rest.first() == Some(kind)));
            }
        })?;
        self.waiting.get_or_create(&[("queue", queue.to_owned())]).set(signed(all));
        self.overdue.get_or_create(&[("queue", queue.to_owned())]).set(signed(overdue));
        if queue == "annotation" {
            for ((_, awaits), counted) in LEASE_DEADLINES.iter().zip(leases) {
                self.leases.get_or_create(&[("awaits", (*awaits).to_owned())]).set(signed(counted));
            }
        }
        Ok(())
    }
}

pub(super) fn prefix(table: &Table, key: &[u8]) -> Vec<u8> {
    [table.prefix, key].concat()
}

pub(super) fn count(view: &View<'_>, prefix: &[u8]) -> Result<u64> {
    let mut counted = 0_u64;
    keys(view, prefix, |_| counted = counted.saturating_add(1))?;
    Ok(counted)
}

/// What follows `prefix` in the first [`MOST`] keys that begin with it.
pub(super) fn keys(view: &View<'_>, prefix: &[u8], mut each: impl FnMut(&[u8])) -> Result<()> {
    let mut left = MOST;
    view.keys(prefix, |key| {
        each(key.get(prefix.len()..).unwrap_or_default());
        left = left.saturating_sub(1);
        left > 0
    })?;
    Ok(())
}

/// The number that a sequence holds: a protobuf message with one field.
fn number(row: &[u8]) -> u64 {
    prost::Message::decode(row).unwrap_or(0)
}

pub(super) fn short(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_numbers_are_read_as_the_modules_write_them() {
        assert_eq!(short(JobState::Open.as_str_name(), "JOB_STATE_"), "open");
        assert_eq!(number(&prost::Message::encode_to_vec(&7_u64)), 7);
        assert_eq!(number(&[0]), 0);
    }
}
