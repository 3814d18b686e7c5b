//! Inputs of proven jobs: what is run, and the salts of the commitments by which the chain names them. For requester and provider alone.
use ark_bn254::Fr;
use cairn_circuits::input_commitment;
use cairn_models::{InputsError, read_inputs, read_salts, write_salted};
use cairn_program::{Inputs, Program, Tensor};
use cairn_verifier::Element;

use super::opening::{salt_of, salt_text};

/// Why a file holds no salted inputs.
#[derive(Debug, thiserror::Error)]
pub enum SaltedError {
    /// The tensors are not those of the job.
    #[error(transparent)]
    Inputs(#[from] InputsError),
    /// Salts that are missing, too few, too many, or no field elements.
    #[error("it has no salt of 32 bytes for each run; 'cairn-agent models inputs --salted' writes such a file")]
    Salts,
    /// A program whose inputs are not int8: no commitment is to others.
    #[error("inputs of proven jobs are int8")]
    Kind,
}

/// Inputs and the salts of their commitments, one a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltedInputs {
    inputs: Inputs,
    values: Vec<Vec<i8>>,
    salts: Vec<Fr>,
}

impl SaltedInputs {
    /// Inputs with a salt for each.
    ///
    /// # Errors
    /// [`SaltedError::Salts`] for another number of them; [`SaltedError::Kind`].
    pub fn new(inputs: Inputs, salts: Vec<Fr>) -> Result<Self, SaltedError> {
        let int8 = |tensor: &Tensor| tensor.values.iter().map(|value| i8::try_from(*value).ok()).collect::<Option<Vec<_>>>();
        let values = inputs.tensors().iter().map(int8).collect::<Option<Vec<_>>>().ok_or(SaltedError::Kind)?;
        if salts.len() == values.len() { Ok(Self { inputs, values, salts }) } else { Err(SaltedError::Salts) }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`SaltedError`].
    pub fn read(program: &Program, runs: u32, bytes: &[u8]) -> Result<Self, SaltedError> {
        let inputs = read_inputs(program, runs, bytes)?;
        let salts = read_salts(bytes)?.ok_or(SaltedError::Salts)?;
        let salts = salts.split(',').map(salt_of).collect::<Result<_, _>>().map_err(|_| SaltedError::Salts)?;
        Self::new(inputs, salts)
    }

    /// The file.
    ///
    /// # Errors
    /// [`InputsError`] where the library refuses.
    pub fn write(&self) -> Result<Vec<u8>, InputsError> {
        let salts: Vec<String> = self.salts.iter().map(|salt| salt_text(*salt)).collect();
        write_salted(self.inputs.tensors(), salts.join(","))
    }

    /// The inputs.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Values and salt of each run.
    pub fn runs(&self) -> impl Iterator<Item = (&[i8], Fr)> {
        self.values.iter().map(Vec::as_slice).zip(self.salts.iter().copied())
    }

    /// The commitments, one a run.
    #[must_use]
    pub fn commitments(&self) -> Vec<[u8; 32]> {
        self.runs().map(|(values, salt)| Element::from(input_commitment(salt, values)).bytes()).collect()
    }

    /// What a proven job names them by.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        cairn_compute::proven_input_root(&self.commitments())
    }
}

#[cfg(test)]
mod tests {
    use cairn_models::write_inputs;
    use cairn_program::testing::{Dice, every_operator};

    use super::*;

    #[test]
    fn salted_inputs_are_read_as_they_were_written_and_nothing_else() {
        let (_, graph) = every_operator().into_iter().find(|(_, graph)| graph.input.kind == cairn_program::Kind::I8).expect("one");
        let program = Program::check(graph).expect("a program");
        let inputs = cairn_program::testing::inputs(&program, 2, &mut Dice::new(9)).expect("inputs");
        let salted = SaltedInputs::new(inputs.clone(), vec![Fr::from(1), Fr::from(2)]).expect("salted");
        let file = salted.write().expect("a file");
        assert_eq!(SaltedInputs::read(&program, 2, &file).expect("read"), salted);
        let other = SaltedInputs::new(inputs.clone(), vec![Fr::from(1), Fr::from(3)]).expect("salted");
        assert!(other.root() != salted.root() && other.commitments()[0] == salted.commitments()[0]);
        assert!(matches!(SaltedInputs::new(inputs.clone(), vec![Fr::from(1)]), Err(SaltedError::Salts)));
        assert!(matches!(SaltedInputs::read(&program, 1, &file), Err(SaltedError::Inputs(_))));
        let plain = write_inputs(inputs.tensors()).expect("a file");
        assert!(matches!(SaltedInputs::read(&program, 2, &plain), Err(SaltedError::Salts)));
        for salts in ["", "00", &"ff".repeat(32), &format!("{0},{0},{0}", "00".repeat(32))] {
            let file = write_salted(inputs.tensors(), salts.to_owned()).expect("a file");
            assert!(matches!(SaltedInputs::read(&program, 2, &file), Err(SaltedError::Salts)), "{salts}");
        }
    }
}
