//! Annotation through its messages, blocks and queries.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, reason = "a test may panic, and figures of attacks are a report")]
mod attacks;
mod attacks_access;
mod caps;
mod claims;
mod clusters;
mod crew;
mod exams;
mod formats;
mod gas;
mod gold;
mod jobs;
mod late;
mod leases;
mod partner;
mod post;
mod posting;
mod qualification;
mod quarantine;
mod queries;
mod reveals;
mod schedule;
mod self_dealing;
mod settlement;
mod standing;
mod types;
mod world;
