//! A proof as a file, and its check.
use cairn_kernel::{Address, chain32};
use cairn_verifier::{Claim, Context, Element, KeyRecord, PreparedKey, ProofError, Run, Statement};
use serde::{Deserialize, Serialize};

/// Why a proof is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProofFileError {
    /// A field that is not what it should be.
    #[error("`{0}` is not what it should be")]
    Field(&'static str),
    /// A proof under another key.
    #[error("the proof is under key {named}, the record is of {given}")]
    OtherKey {
        /// What the proof says.
        named: String,
        /// What was given.
        given: String,
    },
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Commitments of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFile {
    /// To its input, 32 bytes.
    pub input: String,
    /// To its answer, 32 bytes.
    pub output: String,
}

/// A proof and everything that it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofFile {
    /// Name of the key that it is checked with, 32 bytes.
    pub key: String,
    /// Chain that it is for.
    pub chain_id: String,
    /// Job on that chain; 0: none.
    pub job: u64,
    /// Who proved, and may use it.
    pub prover: String,
    /// Program that the network is, 32 bytes.
    pub program: String,
    /// What else it is bound to; 0: nothing.
    pub nonce: u64,
    /// Commitment to the weights, 32 bytes; none where they are part of the circuit.
    pub weights: Option<String>,
    /// The runs, in order.
    pub runs: Vec<RunFile>,
    /// 128 bytes.
    pub proof: String,
}

impl ProofFile {
    /// Of a proof under a key.
    #[must_use]
    pub fn of(record: &KeyRecord, chain_id: &str, prover: &Address, statement: &Statement, proof: &[u8]) -> Self {
        let run = |run: &Run| RunFile { input: hex::encode(run.input.bytes()), output: hex::encode(run.output.bytes()) };
        Self {
            key: hex::encode(record.id()),
            chain_id: chain_id.to_owned(),
            job: statement.context.job,
            prover: prover.to_string(),
            program: hex::encode(statement.context.program),
            nonce: statement.context.nonce,
            weights: statement.weights.map(|weights| hex::encode(weights.bytes())),
            runs: statement.runs.iter().map(run).collect(),
            proof: hex::encode(proof),
        }
    }

    /// What it says.
    ///
    /// # Errors
    /// [`ProofFileError::Field`].
    pub fn statement(&self) -> Result<Statement, ProofFileError> {
        let prover = Address::parse(&self.prover).map_err(|_| ProofFileError::Field("prover"))?;
        let program = hex::decode(&self.program).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(ProofFileError::Field("program"))?;
        let context =
            Context { chain: chain32(&self.chain_id), job: self.job, prover: prover.as_bytes().to_vec(), program, nonce: self.nonce };
        let run = |run: &RunFile| Ok(Run { input: element(&run.input, "runs.input")?, output: element(&run.output, "runs.output")? });
        Ok(Statement {
            context,
            weights: self.weights.as_deref().map(|weights| element(weights, "weights")).transpose()?,
            runs: self.runs.iter().map(run).collect::<Result<_, ProofFileError>>()?,
        })
    }

    /// Whether it proves what it says, under this key.
    ///
    /// # Errors
    /// [`ProofFileError`].
    pub fn verify(&self, record: &KeyRecord) -> Result<Statement, ProofFileError> {
        let given = hex::encode(record.id());
        if given != self.key {
            return Err(ProofFileError::OtherKey { named: self.key.clone(), given });
        }
        let statement = self.statement()?;
        let proof = hex::decode(&self.proof).map_err(|_| ProofFileError::Field("proof"))?;
        PreparedKey::new(&record.key).verify(&Claim { inputs: vec![statement.input()?], proof: &proof })?;
        Ok(statement)
    }
}

fn element(text: &str, name: &'static str) -> Result<Element, ProofFileError> {
    let bytes = hex::decode(text).map_err(|_| ProofFileError::Field(name))?;
    Element::decode(&bytes).map_err(|_| ProofFileError::Field(name))
}
