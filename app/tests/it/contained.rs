//! Modules at fault: a hook that fails and a handler that panics cost their own work and nothing else.
use std::sync::Arc;

use cairn_app::{App, Settings, modules};
use cairn_kernel::{Address, Ctx, Item, Module, MsgRoute, QueryRoute, Result, Router, Table, erase, sdk};
use cairn_proto::{
    cosmos::{
        bank::v1beta1::{QueryParamsRequest, QueryParamsResponse},
        base::v1beta1::Coin,
    },
    ibc::applications::interchain_accounts::host::v1::{MsgUpdateParams, MsgUpdateParamsResponse},
    pack,
};

use crate::support::*;

const SEEN: Item<u64> = Item::new(b"faulty/1/");

/// Fails at the beginning of even heights, panics at the end of odd ones, and panics when asked to cancel or for its parameters.
struct Faulty;

impl Faulty {
    fn cancel(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        SEEN.set(ctx, &99)?;
        cairn_bank::send(ctx, &Address::parse(&m.signer)?, &Address::module("elsewhere"), &[cairn_kernel::Coin::base(1)])?;
        panic!("asked to")
    }
    fn params(&self, _: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        panic!("asked to")
    }
}

impl Module for Faulty {
    const NAME: &'static str = "faulty";
    const TABLES: &'static [Table] = &[];
    type Genesis = Coin;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(vec![MsgRoute::new(self, |m: &MsgUpdateParams| Ok(vec![Address::parse(&m.signer)?]), Self::cancel)]);
        router.queries(vec![QueryRoute::new(self, "/faulty.Query/Params", Self::params)]);
    }
    fn init(&self, ctx: &mut Ctx, _: Coin) -> Result<()> {
        SEEN.set(ctx, &1)
    }
    fn export(&self, _: &Ctx) -> Result<Coin> {
        Ok(Coin::default())
    }
    fn begin_block(&self, ctx: &mut Ctx) -> Result<()> {
        SEEN.set(ctx, &2)?;
        ctx.emit_raw("never", &[]);
        if ctx.block().height.is_multiple_of(2) { Err(sdk::invalid_request("even height")) } else { SEEN.set(ctx, &1) }
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        SEEN.set(ctx, &3)?;
        assert!(ctx.block().height.is_multiple_of(2), "odd height");
        SEEN.set(ctx, &1)
    }
    fn invariants(&self) -> Vec<cairn_kernel::Invariant> {
        vec![("nothing of a failed hook stays", |ctx| match SEEN.get(ctx) {
            Ok(Some(1)) => Ok(()),
            other => Err(format!("{other:?}")),
        })]
    }
}

fn faulty_net() -> Net {
    let folder = tempfile::tempdir().unwrap();
    let modules = modules::all().into_iter().chain([erase(Faulty)]).collect();
    let settings = Settings { beacon_keys: vrf_key(1).into(), ..Settings::default() };
    let app = App::with(modules, folder.path(), settings).unwrap();
    Net::over(app, folder, 1, &genesis())
}

fn failures(net: &mut Net) -> Vec<String> {
    let block = net.propose(vec![]);
    shown(&net.decide(&block).events).into_iter().filter(|e| e.starts_with("hook_failed")).collect()
}

#[test]
fn a_failing_hook_is_undone_and_reported_and_the_chain_goes_on() {
    let mut net = faulty_net();
    let ended = "hook_failed(module=faulty, hook=end_block, codespace=sdk, code=111222)";
    let began = "hook_failed(module=faulty, hook=begin_block, codespace=sdk, code=18)";
    assert_eq!(failures(&mut net), [ended]);
    assert_eq!(failures(&mut net), [began]);
    assert_eq!(failures(&mut net), [ended]);
}

#[test]
fn a_panicking_handler_fails_its_transaction_alone() {
    let mut net = faulty_net();
    let [a, b] = [0, 1].map(|i| net.wallets[i].clone());
    let cancel = pack(&MsgUpdateParams { signer: a.address.to_string(), params: None });
    let txs = vec![Draft::of(vec![cancel]).sign(&[&a]), Draft::of(vec![send(&b, &a.address, 7)]).sign(&[&b])];
    let mut outcomes = net.run(txs);
    assert_eq!(outcomes.pop().unwrap().code(), 0);
    let error = outcomes.pop().unwrap().result.unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 111_222));
    assert_eq!(net.balance(&Address::module("elsewhere")), 0);
    assert_eq!(net.balance(&a.address), FUNDS - 1_000 + 7);
    assert_eq!(net.account(&a.address).sequence, 1);
}

#[test]
fn a_panicking_query_is_refused() {
    use cairn_app::api::Chain;
    let mut net = faulty_net();
    net.run(vec![]);
    assert_eq!(net.app.query("/faulty.Query/Params", &[], None).unwrap_err().code, 111_222);
    net.run(vec![]);
}
