//! Proofs: of whole results, which are paid at once, and of leaves about private weights.
use std::{path::PathBuf, sync::Arc};

use ark_bn254::Fr;
use ark_ff::UniformRand;
use cairn_circuits::{Circuit, Input, Job as Proven, Kind, Network, network_of};
use cairn_kernel::{Address, chain32};
use cairn_models::ModelFile;
use cairn_program::Op;
use cairn_proto::cairn::{compute::v1::Job, dispute::v1::Match};
use cairn_verifier::{Context, Element, KeyId};
use rand::rngs::OsRng;

use super::{
    agent::Agent,
    content::Missing,
    lab::Solved,
    vault::{Private, Provers, Sealed},
    world::World,
};
use crate::proofs::SaltedInputs;

/// What proving a result takes, besides its inputs.
pub struct Proving {
    provers: Arc<Provers>,
    key: KeyId,
    file: PathBuf,
    circuit: Circuit,
    private: Private,
    /// Of the first proof; its nonce counts the proofs.
    context: Context,
    inputs: SaltedInputs,
}

/// Proofs of a result.
pub struct Proofs {
    /// Commitments to the inputs, 32 bytes a run.
    pub inputs: Vec<Vec<u8>>,
    /// 128 bytes for each so many runs as the key says.
    pub proofs: Vec<Vec<u8>>,
}

impl Proving {
    /// Proves that the runs gave these outputs. `goes_on` is asked before each proof.
    pub(super) fn prove(&self, outputs: &[Vec<u8>], mut goes_on: impl FnMut() -> bool) -> Result<Proofs, String> {
        let network = &self.private.network;
        for (number, ((values, _), output)) in self.inputs.runs().zip(outputs).enumerate() {
            if network.run(values).map_err(|error| error.to_string())?.bytes() != *output {
                return Err(format!("the device and the circuit answer run {number} differently; nothing is delivered"));
            }
        }
        let prover = self.provers.get(&self.key, &self.file, &self.circuit).map_err(|error| format!("{error:#}"))?;
        // Outputs of proven jobs are public: their commitments' salt is zero.
        let input = |(values, salt): (&[i8], Fr)| Input { values: values.to_vec(), salt, answer_salt: Fr::from(0) };
        let inputs: Vec<Input> = self.inputs.runs().map(input).collect();
        let mut proofs = Vec::new();
        for (nonce, runs) in (0..).zip(inputs.chunks(self.circuit.runs())) {
            if !goes_on() {
                return Err("proving takes too long".to_owned());
            }
            let context = Context { nonce, ..self.context.clone() };
            let job = Proven { context, network: network.clone(), weights_salt: self.private.salt, inputs: runs.to_vec() };
            let (_, proof) = prover.prove(&job, &mut OsRng).map_err(|error| error.to_string())?;
            proofs.push(proof.to_vec());
        }
        Ok(Proofs { inputs: self.inputs.commitments().iter().map(|one| one.to_vec()).collect(), proofs })
    }
}

impl<W: World> Agent<W> {
    /// What proving a job takes besides its inputs, if its key is at hand and of the circuit that it should be.
    pub(super) fn proving(
        &mut self,
        job: &Job,
        model: &ModelFile,
        sealed: &Sealed,
    ) -> Result<impl FnOnce(SaltedInputs) -> Proving + use<W>, Missing> {
        let ever = |why: String| Missing::Ever(why);
        let key: KeyId = job.keys.first().and_then(|key| key.as_slice().try_into().ok()).ok_or_else(|| ever("it names no key".into()))?;
        let (private, of) = match sealed.first_key_value() {
            Some((_, one)) => ((**one).clone(), Vec::new()),
            None => {
                let network: Network = network_of(model.program(), model.tensors()).map_err(|error| ever(error.to_string()))?;
                (Private { network, salt: Fr::from(0) }, job.program_id.clone())
            }
        };
        let record = self.world.circuit(&of, &key)?;
        let shape = private.network.shape().clone();
        let kind = if of.is_empty() { Kind::Committed(shape) } else { Kind::Constant(private.network.clone()) };
        let runs = usize::try_from(record.runs).unwrap_or(usize::MAX);
        let circuit = Circuit::new(kind, runs).map_err(|error| ever(error.to_string()))?;
        if circuit.digest().as_slice() != record.circuit {
            return Err(ever(format!("its key {} is not of this network's circuit", hex::encode(key))));
        }
        let file = self
            .vault
            .key(&key)
            .ok_or_else(|| ever(format!("no proving key {} lies in {}", hex::encode(key), self.vault.folder().display())))?;
        let context = self.context(job.id, &job.program_id, 0).ok_or_else(|| ever("its program has no id".into()))?;
        let provers = self.vault.provers();
        Ok(move |inputs| Proving { provers, key, file, circuit, private, context, inputs })
    }

    /// What a statement of this agent is bound to.
    fn context(&self, job: u64, program: &[u8], nonce: u64) -> Option<Context> {
        let prover = Address::parse(&self.world.account()).ok()?.as_bytes().to_vec();
        Some(Context { chain: chain32(&self.world.chain_id()), job, prover, program: program.try_into().ok()?, nonce })
    }

    /// What stands for a sealed operator at a leaf: salts of its input and of its output, and the proof; 192 bytes. `None` where the operator is not
    /// sealed.
    pub(super) fn leaf_proof(&mut self, job: &Job, game: &Match, solved: &Solved) -> Result<Option<Vec<u8>>, String> {
        let program = solved.order.model.program();
        let node = |number: u32| usize::try_from(number).ok().and_then(|number| program.graph().nodes.get(number));
        let Some(Op::Sealed { .. }) = node(game.node).map(|node| &node.op) else { return Ok(None) };
        let private = Arc::clone(solved.order.sealed.get(&game.node).ok_or("its weights are not known here")?);
        let place = solved.order.sealed.range(..game.node).count();
        let key: KeyId = job.keys.get(place).and_then(|key| key.as_slice().try_into().ok()).ok_or("the job names no key for it")?;
        let circuit = Circuit::new(Kind::Committed(private.network.shape().clone()), 1).map_err(|error| error.to_string())?;
        let file =
            self.vault.key(&key).ok_or_else(|| format!("no proving key {} lies in {}", hex::encode(key), self.vault.folder().display()))?;
        let prover = self.vault.provers().get(&key, &file, &circuit).map_err(|error| format!("{error:#}"))?;
        let values = solved.input_of(game.run, game.node).ok_or("its input is not known here")?;
        let values = values.iter().map(|value| i8::try_from(*value).ok()).collect::<Option<Vec<_>>>().ok_or("its input is not int8")?;
        let (salt, answer_salt) = (Fr::rand(&mut OsRng), Fr::rand(&mut OsRng));
        let context = self.context(game.case_id, &job.program_id, game.number.into()).ok_or("the program has no id")?;
        let inputs = vec![Input { values, salt, answer_salt }];
        let proven = Proven { context, network: private.network.clone(), weights_salt: private.salt, inputs };
        let (_, proof) = prover.prove(&proven, &mut OsRng).map_err(|error| error.to_string())?;
        Ok(Some([Element::from(salt).bytes().as_slice(), &Element::from(answer_salt).bytes(), &proof].concat()))
    }
}
