//! Programs that may be ordered.
use cairn_asset as asset;
use cairn_kernel::{Address, BASE_DENOM, BPS, Ctx, Result};
use cairn_program::Program as Checked;
use cairn_proto::cairn::compute::v1::{EventProgramRegistered, MsgRegisterProgram, Program};

use crate::{Error, rules::MAX_URI, seals, state::PROGRAMS};

/// Gas of decoding and checking a byte of a program, besides storing it.
const GAS_BYTE: u64 = 1;

/// Registers a program. Gives its id.
pub(crate) fn register(ctx: &mut Ctx, owner: &Address, m: MsgRegisterProgram) -> Result<[u8; 32]> {
    let weights_root = hash(&m.weights_root)?;
    check_uri(&m.uri)?;
    if m.model_bps > BPS {
        return Err(Error::Part(m.model_bps).into());
    }
    let size = u64::try_from(m.graph.len()).map_err(|_| Error::Overflow)?;
    ctx.gas().consume_at(size.saturating_mul(GAS_BYTE), "program")?;
    let checked = Checked::decode(&m.graph).map_err(Error::Graph)?;
    let id = checked.id(&weights_root);
    if PROGRAMS.has(ctx, &id)? {
        return Err(Error::Registered(hex::encode(id)).into());
    }
    if m.asset_id > 0 {
        let account = owner.to_string();
        if asset::asset(ctx, m.asset_id)?.owner != account {
            return Err(Error::NotOwner { asset: m.asset_id, account }.into());
        }
        asset::allow_income(ctx, m.asset_id, BASE_DENOM)?;
    }
    let seals = seals::open(ctx, owner, &id, &checked, m.seals)?;
    let program = Program {
        id: id.to_vec(),
        owner: owner.to_string(),
        asset_id: m.asset_id,
        model_bps: m.model_bps,
        graph: m.graph,
        weights_root: m.weights_root,
        uri: m.uri,
        macs: checked.macs(),
        nodes: checked.nodes(),
        seals,
    };
    PROGRAMS.set(ctx, &id, &program)?;
    ctx.emit(&EventProgramRegistered { program_id: program.id, owner: program.owner, asset_id: program.asset_id });
    Ok(id)
}

/// The program of an id.
pub(crate) fn load(ctx: &Ctx, id: &[u8]) -> Result<Program> {
    let id = hash(id)?;
    Ok(PROGRAMS.get(ctx, &id)?.ok_or_else(|| Error::NoProgram(hex::encode(id)))?)
}

/// The graph of a program, decoded.
pub(crate) fn checked(ctx: &Ctx, program: &Program) -> Result<Checked> {
    let size = u64::try_from(program.graph.len()).map_err(|_| Error::Overflow)?;
    ctx.gas().consume_at(size.saturating_mul(GAS_BYTE), "program")?;
    Ok(Checked::decode(&program.graph).map_err(Error::Graph)?)
}

/// 32 bytes.
pub(crate) fn hash(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::Hash(bytes.len()))
}

/// Refuses an address of content that is too long.
pub(crate) fn check_uri(uri: &str) -> Result<(), Error> {
    if uri.len() > MAX_URI { Err(Error::Uri(uri.len())) } else { Ok(()) }
}
