//! Receipts: what a provider computed for whom asked, signed, so that anybody can run it again and hold the provider to it.
use std::ops::ControlFlow;

use cairn_device::{Executor, Reference};
use cairn_models::ModelFile;
use cairn_program::{Inputs, Tensor, Trace};
use k256::ecdsa::{
    Signature, SigningKey, VerifyingKey,
    signature::{DigestSigner, DigestVerifier},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const DOMAIN: &[u8; 16] = b"cairn.receipt.v1";

/// What was computed. Hashes and keys are lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The chain on which the program is registered, if it is.
    pub chain_id: String,
    /// The program's id, which graph and weights have.
    pub program: String,
    /// The input of each run.
    pub inputs: Vec<Vec<i32>>,
    /// The output of each run.
    pub outputs: Vec<Vec<i32>>,
    /// Root over the inputs.
    pub inputs_root: String,
    /// Root over everything that was computed, as a job's result has it.
    pub trace_root: String,
    /// Who computed it: a compressed secp256k1 key.
    pub signer: String,
    /// ECDSA over SHA-256 of `cairn.receipt.v1`, SHA-256 of the chain's id, program, inputs' root, trace's root.
    pub signature: String,
}

/// Why a receipt proves nothing, or a request was not computed.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// A field that is no hash, key or signature.
    #[error("the receipt's {0} is not what it should be")]
    Field(&'static str),
    /// Signed by another key, or for other roots.
    #[error("the signature is not the signer's over this receipt")]
    Signature,
    /// Of another model.
    #[error("the receipt is of another program")]
    Program,
    /// Inputs that the model does not take.
    #[error("the model takes {0} numbers of int8 a run, and 1 to 1,024 runs")]
    Input(u32),
    /// What the model gives for the inputs is something else.
    #[error("the model gives another {0}: the signer computed something else")]
    Wrong(&'static str),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] cairn_device::Error),
}

/// Runs a model on a device and signs what came of it.
///
/// # Errors
/// [`ReceiptError::Input`], [`ReceiptError::Device`].
pub fn sign(
    model: &ModelFile,
    inputs: Vec<Vec<i32>>,
    device: &dyn Executor,
    chain_id: &str,
    key: &SigningKey,
) -> Result<Receipt, ReceiptError> {
    let (outputs, inputs_root, trace_root) = run(model, &inputs, device)?;
    let digest = digest(chain_id, model.id(), inputs_root, trace_root);
    let signature: Signature = key.sign_digest(digest);
    Ok(Receipt {
        chain_id: chain_id.to_owned(),
        program: hex::encode(model.id()),
        inputs,
        outputs,
        inputs_root: hex::encode(inputs_root),
        trace_root: hex::encode(trace_root),
        signer: hex::encode(key.verifying_key().to_encoded_point(true).as_bytes()),
        signature: hex::encode(signature.to_bytes()),
    })
}

impl Receipt {
    /// Checks that its signer signed it.
    ///
    /// # Errors
    /// [`ReceiptError::Field`], [`ReceiptError::Signature`].
    pub fn check(&self) -> Result<(), ReceiptError> {
        let hash = |name, text: &str| {
            let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.ok_or(ReceiptError::Field(name))
        };
        let roots = (hash("program", &self.program)?, hash("inputs' root", &self.inputs_root)?, hash("trace's root", &self.trace_root)?);
        let signer = hex::decode(&self.signer).ok().and_then(|bytes| VerifyingKey::from_sec1_bytes(&bytes).ok());
        let signature = hex::decode(&self.signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
        let (signer, signature) = (signer.ok_or(ReceiptError::Field("signer"))?, signature.ok_or(ReceiptError::Field("signature"))?);
        signer.verify_digest(digest(&self.chain_id, roots.0, roots.1, roots.2), &signature).map_err(|_| ReceiptError::Signature)
    }

    /// Checks it, and that the model gives what it says, by the referee's own code.
    ///
    /// # Errors
    /// [`ReceiptError`]; [`ReceiptError::Wrong`] is what a signer can be held to.
    pub fn repeat(&self, model: &ModelFile) -> Result<(), ReceiptError> {
        self.check()?;
        if self.program != hex::encode(model.id()) {
            return Err(ReceiptError::Program);
        }
        let (outputs, inputs_root, trace_root) = run(model, &self.inputs, &Reference::default())?;
        if self.inputs_root != hex::encode(inputs_root) {
            return Err(ReceiptError::Wrong("root over these inputs"));
        }
        if self.outputs != outputs {
            return Err(ReceiptError::Wrong("output"));
        }
        if self.trace_root != hex::encode(trace_root) { Err(ReceiptError::Wrong("trace")) } else { Ok(()) }
    }
}

type Ran = (Vec<Vec<i32>>, [u8; 32], [u8; 32]);

fn run(model: &ModelFile, inputs: &[Vec<i32>], device: &dyn Executor) -> Result<Ran, ReceiptError> {
    let program = model.program();
    let shape = &program.graph().input;
    let refused = || ReceiptError::Input(shape.elements().unwrap_or(0));
    if inputs.len() > cairn_program::MAX_RUNS as usize {
        return Err(refused());
    }
    let tensors: Option<Vec<Tensor>> = inputs.iter().map(|values| Tensor::new(shape.clone(), values.clone())).collect();
    let inputs = tensors.and_then(|tensors| Inputs::new(program, tensors)).ok_or_else(refused)?;
    let runs = device.run(program, model.weights(), &inputs, &mut |_| ControlFlow::Continue(()))?;
    let outputs = runs.iter().filter_map(|nodes| nodes.last()).map(|output| output.values.clone()).collect();
    Ok((outputs, inputs.root(), Trace::of(program, runs).root()))
}

fn digest(chain_id: &str, program: [u8; 32], inputs_root: [u8; 32], trace_root: [u8; 32]) -> Sha256 {
    let chain: [u8; 32] = Sha256::digest(chain_id.as_bytes()).into();
    Sha256::new().chain_update(DOMAIN).chain_update(chain).chain_update(program).chain_update(inputs_root).chain_update(trace_root)
}
