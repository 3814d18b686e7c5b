//! Keys under which proofs are checked: who may register which, what a program has to do with them, and what trust they take.
use cairn_auth as auth;
use cairn_kernel::{Address, BPS, Coin, Ctx, Result};
use cairn_proto::cairn::compute::v1::{
    Circuit, CircuitLayer, CircuitSizes, EventCircuitRegistered, EventCircuitRetired, MsgRegisterCircuit, MsgRetireCircuit, Params, Seal,
    SealOpening, Trust,
};
use cairn_rewards as rewards;
use cairn_verifier::{
    CircuitKind, KeyRecord, LayerSizes, MAX_RUNS, Provenance, RecordError, RecordFile, SealFile, Serves, Sizes, VerifyingKey, gas,
};

use crate::{Error, programs, rules, state::CIRCUITS};

/// Bytes of a key of one input: those that our statements have.
const KEY_BYTES: usize = 296;
/// Most layers of a network.
const MAX_LAYERS: usize = 8;
/// The place of a program of keys that are of none.
pub(crate) const ANY_PROGRAM: [u8; 32] = [0; 32];

/// Registers a key. Gives its name.
pub(crate) fn register(ctx: &mut Ctx, m: MsgRegisterCircuit) -> Result<[u8; 32]> {
    let registrar = Address::parse(&m.registrar)?;
    let params = rules::params(ctx)?;
    let governs = registrar == auth::authority();
    ctx.gas().consume_at(gas::key(1), "circuit key")?;
    let mut circuit = Circuit {
        key_id: Vec::new(),
        program_id: m.program_id,
        circuit: m.circuit,
        provenance: m.provenance,
        key: m.key,
        runs: m.runs,
        sizes: m.sizes,
        registrar: registrar.to_string(),
        retired: false,
        trust: 0,
    };
    let record = check(&circuit)?;
    may_be_taken(&params, governs, &record.provenance)?;
    let id = record.id();
    let program = place(&circuit.program_id)?;
    if program != ANY_PROGRAM && programs::load(ctx, &program)?.owner != circuit.registrar && !governs {
        return Err(Error::NotProgramOwner(circuit.registrar).into());
    }
    if CIRCUITS.has(ctx, &(program, id))? {
        return Err(Error::CircuitRegistered(hex::encode(id)).into());
    }
    if !governs {
        rewards::forfeit(ctx, &registrar, &Coin::base(rules::number(&params.circuit_fee)?), BPS)?;
    }
    circuit.key_id = id.to_vec();
    circuit.set_trust(trust(&record.provenance));
    CIRCUITS.set(ctx, &(program, id), &circuit)?;
    ctx.emit(&EventCircuitRegistered {
        key_id: circuit.key_id,
        program_id: circuit.program_id,
        circuit: circuit.circuit,
        registrar: circuit.registrar,
        trust: circuit.trust,
    });
    Ok(id)
}

/// Lets no new job use a key.
pub(crate) fn retire(ctx: &mut Ctx, m: &MsgRetireCircuit) -> Result<()> {
    let sender = Address::parse(&m.registrar)?;
    let key = (place(&m.program_id)?, programs::hash(&m.key_id)?);
    let mut circuit = load(ctx, &key)?;
    if sender != auth::authority() && circuit.registrar != sender.to_string() {
        return Err(Error::NotRegistrar(sender.to_string()).into());
    }
    if circuit.retired {
        return Err(Error::Retired(hex::encode(key.1)).into());
    }
    circuit.retired = true;
    CIRCUITS.set(ctx, &key, &circuit)?;
    ctx.emit(&EventCircuitRetired { key_id: circuit.key_id, program_id: circuit.program_id });
    Ok(())
}

/// The message that registers the key of a record, which is checked before.
///
/// # Errors
/// [`RecordError`].
pub fn key_registration(file: &RecordFile, registrar: String) -> Result<MsgRegisterCircuit, RecordError> {
    let record = file.record()?;
    let (program_id, sizes) = match file.serves()? {
        Serves::Program(id) => (id.to_vec(), None),
        Serves::Sizes(sizes) => (Vec::new(), Some(on_the_wire(&sizes))),
    };
    Ok(MsgRegisterCircuit {
        registrar,
        circuit: record.circuit.to_vec(),
        provenance: record.provenance.encode().to_vec(),
        key: record.key.bytes().to_vec(),
        runs: file.runs,
        program_id,
        sizes,
    })
}

/// The opening of a seal, as a message has it; `None` where the file's bytes are no hexadecimal.
#[must_use]
pub fn seal_opening(file: &SealFile) -> Option<SealOpening> {
    let bytes = |text: &str| hex::decode(text).ok();
    let seal = Seal { node: file.node, sizes: Some(on_the_wire(&file.sizes)), weights: bytes(&file.weights)?, key_id: bytes(&file.key)? };
    Some(SealOpening { seal: Some(seal), proof: bytes(&file.proof)? })
}

fn on_the_wire(sizes: &Sizes) -> CircuitSizes {
    let layer = |layer: &LayerSizes| CircuitLayer { outputs: layer.outputs, shift: layer.shift, relu: layer.relu };
    CircuitSizes { inputs: sizes.inputs, layers: sizes.layers.iter().map(layer).collect(), values: sizes.values }
}

/// Everything that can be said of a key by itself: its points, its number of inputs, its provenance, and that a circuit of sizes is the one they name.
pub(crate) fn check(circuit: &Circuit) -> Result<KeyRecord, Error> {
    let provenance = Provenance::decode(&circuit.provenance).map_err(Error::Key)?;
    if circuit.key.len() != KEY_BYTES {
        return Err(Error::KeySize(circuit.key.len()));
    }
    let key = VerifyingKey::decode(&circuit.key).map_err(Error::Key)?;
    let digest = programs::hash(&circuit.circuit)?;
    let most = u32::try_from(MAX_RUNS).map_err(|_| Error::Overflow)?;
    let bound = place(&circuit.program_id)? != ANY_PROGRAM;
    if circuit.runs > most || (bound && circuit.runs == 0) {
        return Err(Error::ProofRuns { runs: circuit.runs, most });
    }
    match (&circuit.sizes, bound) {
        (None, true) => (),
        (Some(named), false) => {
            let kind = if circuit.runs == 0 { CircuitKind::Registration } else { CircuitKind::Committed };
            if sizes(named)?.digest(kind, circuit.runs, &[]) != digest {
                return Err(Error::OtherCircuit);
            }
        }
        _ => return Err(Error::Sizes),
    }
    Ok(KeyRecord { circuit: digest, provenance, key })
}

/// Which provenances a network takes, and from whom. A ceremony is what governance says of a key, since the chain cannot check the transcript; who is not
/// governance is one party.
pub(crate) fn may_be_taken(params: &Params, governs: bool, provenance: &Provenance) -> Result<(), Error> {
    let taken = match provenance {
        Provenance::Test => params.test_keys,
        Provenance::Single => params.test_keys || !governs,
        Provenance::Ceremony { .. } => governs && (params.test_keys || provenance.is_for_production()),
    };
    if taken { Ok(()) } else { Err(Error::Provenance) }
}

/// What trust a provenance takes.
pub(crate) fn trust(provenance: &Provenance) -> Trust {
    match provenance {
        Provenance::Test => Trust::TestKey,
        Provenance::Single => Trust::SingleParty,
        Provenance::Ceremony { .. } => Trust::Ceremony,
    }
}

/// The weaker of two: nothing is weaker than a key from a known seed.
pub(crate) fn weaker(one: Trust, other: Trust) -> Trust {
    let rank = |trust| (trust == Trust::TestKey, i32::from(trust));
    if rank(one) >= rank(other) { one } else { other }
}

/// The place of a program in the table.
pub(crate) fn place(program: &[u8]) -> Result<[u8; 32], Error> {
    if program.is_empty() { Ok(ANY_PROGRAM) } else { programs::hash(program) }
}

/// The key of a name, retired or not.
pub(crate) fn load(ctx: &Ctx, key: &([u8; 32], [u8; 32])) -> Result<Circuit> {
    Ok(CIRCUITS.get(ctx, key)?.ok_or_else(|| Error::NoCircuit(hex::encode(key.1)))?)
}

/// The key of a name that new jobs may use.
pub(crate) fn usable(ctx: &Ctx, program: [u8; 32], id: &[u8]) -> Result<Circuit> {
    let id = programs::hash(id)?;
    let circuit = load(ctx, &(program, id))?;
    if circuit.retired { Err(Error::Retired(hex::encode(id)).into()) } else { Ok(circuit) }
}

/// Sizes as the verifier has them; bounded, so that what is hashed is.
pub(crate) fn sizes(named: &CircuitSizes) -> Result<Sizes, Error> {
    if !(1..=MAX_LAYERS).contains(&named.layers.len()) {
        return Err(Error::Sizes);
    }
    let layers = named.layers.iter().map(|layer| LayerSizes { outputs: layer.outputs, shift: layer.shift, relu: layer.relu }).collect();
    Ok(Sizes { inputs: named.inputs, layers, values: named.values })
}
