//! What opens the commitments of a proof: inputs, answers and salts.
use ark_bn254::Fr;
use cairn_circuits::{Answer, Input, Job, input_commitment, output_commitment, weights_commitment};
use cairn_verifier::{Element, Statement};
use serde::{Deserialize, Serialize};

/// Why an opening is refused.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// A salt that is no field element.
    #[error("a salt is no field element of 32 bytes")]
    Salt,
    /// Another number of runs than the proof has.
    #[error("the proof has {proof} runs, the opening {opening}")]
    Runs {
        /// Of the proof.
        proof: usize,
        /// Of the opening.
        opening: usize,
    },
    /// An answer that is neither a class nor values.
    #[error("run {0} has neither a class nor values")]
    Answer(usize),
    /// A commitment that is to something else.
    #[error("run {run}: the proof commits to another {what}")]
    Other {
        /// From 0.
        run: usize,
        /// `input` or `answer`.
        what: &'static str,
    },
}

/// What opens one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOpening {
    /// int8 values of the input.
    pub input: Vec<i8>,
    /// Salt of its commitment, 32 bytes.
    pub salt: String,
    /// The class, where the network answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u32>,
    /// The values, where it answers values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<i8>>,
    /// Salt of the answer's commitment, 32 bytes.
    pub answer_salt: String,
}

/// What opens a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Salt of the commitment to the weights, where there is one: for their owner alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_salt: Option<String>,
    /// The runs, in order.
    pub runs: Vec<RunOpening>,
}

/// A field element as it stands in files.
#[must_use]
pub fn salt_text(salt: Fr) -> String {
    hex::encode(Element::from(salt).bytes())
}

/// Reads a field element.
///
/// # Errors
/// [`OpeningError::Salt`].
pub fn salt_of(text: &str) -> Result<Fr, OpeningError> {
    let bytes = hex::decode(text).map_err(|_| OpeningError::Salt)?;
    Element::decode(&bytes).map(|element| element.value()).map_err(|_| OpeningError::Salt)
}

impl Opening {
    /// Of a job; `None` where an input is not of its network.
    #[must_use]
    pub fn of(job: &Job, weights: bool) -> Option<Self> {
        let run = |input: &Input| {
            let (class, values) = match job.network.run(&input.values).ok()? {
                Answer::Class(class) => (Some(class), None),
                Answer::Values(values) => (None, Some(values)),
            };
            let (salt, answer_salt) = (salt_text(input.salt), salt_text(input.answer_salt));
            Some(RunOpening { input: input.values.clone(), salt, class, values, answer_salt })
        };
        let runs = job.inputs.iter().map(run).collect::<Option<_>>()?;
        Some(Self { weights_salt: weights.then(|| salt_text(job.weights_salt)), runs })
    }

    /// Whether a statement commits to exactly this.
    ///
    /// # Errors
    /// [`OpeningError`].
    pub fn check(&self, statement: &Statement) -> Result<(), OpeningError> {
        let (proof, opening) = (statement.runs.len(), self.runs.len());
        if proof != opening {
            return Err(OpeningError::Runs { proof, opening });
        }
        for (number, (run, opened)) in statement.runs.iter().zip(&self.runs).enumerate() {
            let answer = match (&opened.class, &opened.values) {
                (Some(class), None) => Answer::Class(*class),
                (None, Some(values)) => Answer::Values(values.clone()),
                _ => return Err(OpeningError::Answer(number)),
            };
            if Element::from(input_commitment(salt_of(&opened.salt)?, &opened.input)) != run.input {
                return Err(OpeningError::Other { run: number, what: "input" });
            }
            if Element::from(output_commitment(salt_of(&opened.answer_salt)?, &answer)) != run.output {
                return Err(OpeningError::Other { run: number, what: "answer" });
            }
        }
        Ok(())
    }
}

/// The commitment to a network's weights under a salt, as a program or a key names it.
#[must_use]
pub fn weights_element(salt: Fr, network: &cairn_circuits::Network) -> Element {
    weights_commitment(salt, network).into()
}
