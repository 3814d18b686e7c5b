//! A circuit of two inputs for tests: x^2 = y, and z is the input times y, z = 0 for x = 0.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "tests")]
use std::sync::LazyLock;

use ark_bn254::{Bn254, Fr};
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::{
    gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, Result},
    lc,
};
use ark_std::rand::{SeedableRng, rngs::StdRng};

use crate::Proof;

#[derive(Clone)]
pub(crate) struct Square(u64);

impl Square {
    pub(crate) const INPUTS: usize = 2;

    fn inputs(&self) -> Vec<Fr> {
        let x = Fr::from(self.0);
        vec![x * x + Fr::from(1u64), x * x * x]
    }
}

impl ConstraintSynthesizer<Fr> for Square {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<()> {
        let values = self.inputs();
        let x = cs.new_witness_variable(|| Ok(Fr::from(self.0)))?;
        let one = ark_relations::gr1cs::Variable::One;
        let square = cs.new_input_variable(|| Ok(values[0]))?;
        let cube = cs.new_input_variable(|| Ok(values[1]))?;
        cs.enforce_r1cs_constraint(|| lc!() + x, || lc!() + x, || lc!() + square - one)?;
        cs.enforce_r1cs_constraint(|| lc!() + square - one, || lc!() + x, || lc!() + cube)
    }
}

/// One set-up for all tests of the process.
pub(crate) fn keys() -> &'static (ProvingKey<Bn254>, ark_groth16::VerifyingKey<Bn254>) {
    static KEYS: LazyLock<(ProvingKey<Bn254>, ark_groth16::VerifyingKey<Bn254>)> = LazyLock::new(|| {
        let mut rng = StdRng::seed_from_u64(7);
        let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(Square(3), &mut rng).unwrap();
        let verifying = key.vk.clone();
        (key, verifying)
    });
    &KEYS
}

/// A proof of `x`, and its inputs.
pub(crate) fn proof_of(x: u64) -> ([u8; 128], Vec<Fr>) {
    let mut rng = StdRng::seed_from_u64(x);
    let proof = Groth16::<Bn254>::create_random_proof_with_reduction(Square(x), &keys().0, &mut rng).unwrap();
    (Proof::encode(&proof).unwrap(), Square(x).inputs())
}
