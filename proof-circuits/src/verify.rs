//! Batches of proofs on all cores, for who has cores to spare; the verdicts are those of [`PreparedKey::verify_all`].
use cairn_verifier::{Batch, Claim, Part, PreparedKey, ProofError};
use rayon::prelude::*;

/// Verifies many proofs under one key, the work shared out among the threads of the pool.
#[must_use]
pub fn verify_all(key: &PreparedKey, claims: &[Claim<'_>]) -> Vec<Result<(), ProofError>> {
    let batch = Batch::new(key, claims, claims.par_iter().map(|claim| key.decode(claim)).collect());
    let share = batch.len().div_ceil(rayon::current_num_threads()).max(1);
    let starts: Vec<usize> = (0..batch.len()).step_by(share).collect();
    let parts: Vec<Part> = starts.into_par_iter().map(|start| batch.part(start..start.saturating_add(share))).collect();
    batch.verdicts(&parts)
}
