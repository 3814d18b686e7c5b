//! The front doors before the real chain: every path that is offered answers, or refuses for a reason of the asker's.
use std::{net::SocketAddr, sync::Arc};

use cairn_app::api::{Config, Front};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::support::*;

/// Asks the REST door of a chain of one block, and gives status and JSON.
fn with_rest(check: impl FnOnce(&Net, &dyn Fn(&str) -> (u16, Value))) {
    let mut net = Net::new();
    net.run(vec![]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config { grpc: any, rest: any, ..Config::default() };
    // Nothing listens at port 1: the node has no CometBFT.
    let front = runtime.block_on(Front::bind(&config, Arc::new(net.app.clone()), "http://127.0.0.1:1")).unwrap();
    let (_, rest) = front.addresses().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = runtime.spawn(front.run(async move { stopped.await.unwrap_or_default() }));
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    check(&net, &|path| {
        let mut response = agent.get(format!("http://{rest}{path}")).call().unwrap();
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}: {text}")))
    });
    stop.send(()).unwrap();
    runtime.block_on(running).unwrap();
}

#[test]
fn every_offered_path_answers_or_says_what_is_wrong_with_the_question() {
    with_rest(|net, ask| {
        let (_, api) = ask("/openapi.json");
        let mut answered = 0;
        for (path, verbs) in api["paths"].as_object().unwrap() {
            let Some(get) = verbs["get"].as_object() else { continue };
            let needs_comet = ["cosmos.tx.", "cosmos.base."].iter().any(|s| get["tags"][0].as_str().unwrap().starts_with(s));
            for value in ["1", &net.wallets[0].address.to_string(), "%3Cx%3E"] {
                let filled = path.split('{').map(|p| p.split_once('}').map_or(p.to_owned(), |(_, rest)| format!("{value}{rest}")));
                let filled = filled.collect::<String>();
                let (status, body) = ask(&filled);
                let usual = matches!(status, 200 | 400 | 404);
                assert!(usual || needs_comet && status == 503, "{filled}: {status} {body}");
                answered += usize::from(status == 200);
            }
        }
        assert!(answered > 20, "{answered}");
    });
}

#[test]
fn accounts_and_balances_look_as_wallets_expect() {
    with_rest(|net, ask| {
        let wallet = &net.wallets[0];
        let (_, account) = ask(&format!("/cosmos/auth/v1beta1/accounts/{}", wallet.address));
        assert_eq!(account["account"]["@type"], "/cosmos.auth.v1beta1.BaseAccount");
        assert_eq!(account["account"]["account_number"], wallet.number.to_string());
        let (_, balances) = ask(&format!("/cosmos/bank/v1beta1/balances/{}?pagination.limit=1000", wallet.address));
        assert_eq!(balances["balances"][0]["amount"], FUNDS.to_string());
        let nobody = cairn_kernel::Address::module("nobody");
        let (status, missing) = ask(&format!("/cosmos/auth/v1beta1/accounts/{nobody}"));
        let message = format!("account {nobody} not found");
        assert_eq!((status, &missing["code"], &missing["message"]), (404, &5.into(), &message.into()));
        for wrong in ["balances", "spendable_balances"] {
            assert_eq!(ask(&format!("/cosmos/bank/v1beta1/{wrong}/nobody")).0, 400);
        }
        assert_eq!(ask("/cosmos/bank/v1beta1/params?x=1").0, 200);
        let (status, staking) = ask("/cosmos/staking/v1beta1/params");
        assert_eq!((status, &staking["params"]["min_commission_rate"]), (200, &"0.000000000000000000".into()));
        assert_eq!(ask("/feemarket/feemarket/v1/gas_prices").0, 501);
        let (status, future) = ask("/cosmos/base/node/v1beta1/config");
        assert_eq!((status, future["pruning_keep_recent"].is_string()), (200, true));
    });
}
