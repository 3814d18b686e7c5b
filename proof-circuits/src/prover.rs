//! Keys and proofs.
use ark_bn254::{Bn254, Fr};
use ark_ff::{AdditiveGroup, UniformRand};
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::utils::matrix::Matrix;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use cairn_verifier::{Claim, KeyError, KeyRecord, PROOF_BYTES, PreparedKey, Proof, ProofError, Provenance, Statement, VerifyingKey};

use crate::{
    Circuit, Job, NetworkError, Random,
    cs::{Cs, Finished, INSTANCE, matrices},
    prove::{Points, prove},
};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The job is not of this circuit, or the circuit is none.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The statement is none.
    #[error(transparent)]
    Statement(#[from] ProofError),
    /// The key is degenerate.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key is of another circuit.
    #[error("the proving key is not of this circuit: {0}")]
    OtherCircuit(&'static str),
    /// The library failed.
    #[error("the proof system failed: {0}")]
    Library(String),
}

/// A circuit with its key, ready to prove.
pub struct Prover {
    circuit: Circuit,
    key: ProvingKey<Bn254>,
    points: Points,
    matrices: [Matrix<Fr>; 3],
    record: KeyRecord,
    prepared: PreparedKey,
}

impl Prover {
    /// A key from a seed that everybody may know, for tests: who knows the seed can prove anything.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn for_tests(circuit: Circuit, seed: [u8; 32]) -> Result<Self, ProveError> {
        Self::generate(circuit, Provenance::Test, &mut StdRng::from_seed(seed))
    }

    /// A key from this machine's randomness alone.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn alone(circuit: Circuit, random: &mut dyn Random) -> Result<Self, ProveError> {
        Self::generate(circuit, Provenance::Single, random)
    }

    fn generate(circuit: Circuit, provenance: Provenance, random: &mut dyn Random) -> Result<Self, ProveError> {
        let (rows, variables) = constraints(&circuit)?;
        let finished = Finished { rows: &rows, variables };
        let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(finished, &mut &mut *random).map_err(library)?;
        Self::assemble(circuit, key, provenance, matrices(rows), variables)
    }

    /// With a key that was made elsewhere.
    ///
    /// # Errors
    /// [`ProveError`]; `OtherCircuit` where its lengths are not those of the circuit.
    pub fn new(circuit: Circuit, key: ProvingKey<Bn254>, provenance: Provenance) -> Result<Self, ProveError> {
        let (rows, variables) = constraints(&circuit)?;
        Self::assemble(circuit, key, provenance, matrices(rows), variables)
    }

    fn assemble(
        circuit: Circuit,
        key: ProvingKey<Bn254>,
        provenance: Provenance,
        matrices: [Matrix<Fr>; 3],
        variables: usize,
    ) -> Result<Self, ProveError> {
        let verifying = VerifyingKey::new(&key.vk)?;
        let domain = (matrices[0].len() + INSTANCE).next_power_of_two();
        let queries = [key.a_query.len(), key.b_g1_query.len(), key.b_g2_query.len()];
        if verifying.inputs() + 1 != INSTANCE || queries.iter().any(|length| *length != variables) {
            return Err(ProveError::OtherCircuit("it has another number of variables"));
        }
        if key.l_query.len() != variables - INSTANCE || key.h_query.len() != domain - 1 {
            return Err(ProveError::OtherCircuit("it has another number of constraints"));
        }
        let prepared = PreparedKey::new(&verifying);
        let record = KeyRecord { circuit: circuit.digest(), provenance, key: verifying };
        let points = Points::new(&key);
        Ok(Self { circuit, key, points, matrices, record, prepared })
    }

    /// The circuit.
    #[must_use]
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The key to register.
    #[must_use]
    pub fn record(&self) -> &KeyRecord {
        &self.record
    }

    /// The proving key.
    #[must_use]
    pub fn key(&self) -> &ProvingKey<Bn254> {
        &self.key
    }

    /// Constraints of the circuit.
    #[must_use]
    pub fn constraints(&self) -> usize {
        self.matrices[0].len()
    }

    /// Proves a job, and checks the proof before it is given away.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn prove(&self, job: &Job, random: &mut dyn Random) -> Result<(Statement, [u8; PROOF_BYTES]), ProveError> {
        let mut cs = Cs::witness();
        let statement = self.circuit.build(&mut cs, job)?;
        let values = cs.values;
        let (r, s) = (Fr::rand(random), Fr::rand(random));
        let proof = prove(&self.key, &self.points, &self.matrices, &values, (r, s)).map_err(library)?;
        let bytes = Proof::encode(&proof)?;
        self.prepared.verify(&Claim { inputs: vec![values.get(1).copied().unwrap_or(Fr::ZERO)], proof: &bytes })?;
        Ok((statement, bytes))
    }
}

/// The constraints of a circuit, and how many variables they have.
pub(crate) fn constraints(circuit: &Circuit) -> Result<(Vec<crate::cs::Row>, usize), ProveError> {
    let mut cs = Cs::shape();
    circuit.build(&mut cs, &circuit.blank()?)?;
    let variables = cs.values.len();
    Ok((cs.into_rows(), variables))
}

fn library(error: impl std::fmt::Display) -> ProveError {
    ProveError::Library(error.to_string())
}
