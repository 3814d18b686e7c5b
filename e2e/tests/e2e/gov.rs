//! Governance by the command line: a proposal changes parameters, another one is vetoed and its deposit burnt, a third one fails when it is
//! carried out; delegators decide for themselves.
use cairn_e2e::{Network, Options, until};
use serde_json::{Value, json};

/// What a proposal needs to be voted on.
const DEPOSIT: &str = "10000000ucairn";

/// Votes of eight seconds, as a network for tests needs them, and no issuance, so that what is burnt shows in the supply; everything else as
/// genesis has it.
fn quick(genesis: &mut Value) {
    for bound in ["inflation_min", "inflation_max"] {
        genesis["app_state"]["mint"]["params"][bound] = json!("0.000000000000000000");
    }
    let rules = &mut genesis["app_state"]["gov"]["params"];
    rules["voting_period"] = json!("8s");
    rules["expedited_voting_period"] = json!("4s");
}

struct Town {
    network: Network,
    operator: String,
}

impl Town {
    fn ask(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.network.cairnd(&[args, &["--output", "json"]].concat())).unwrap()
    }
    /// Proposes messages with the whole deposit, as the requester, and gives the proposal's number.
    fn propose(&self, title: &str, messages: &[Value]) -> String {
        let file = self.network.path().join(format!("{title}.json"));
        let written: Vec<String> = messages
            .iter()
            .enumerate()
            .map(|(number, message)| {
                let path = file.with_extension(format!("{number}.json"));
                std::fs::write(&path, message.to_string()).unwrap();
                format!("@{}", path.display())
            })
            .collect();
        let mut args = vec!["tx", "gov", "submit-proposal", "--from", "requester", "--title", title, "--summary", "why"];
        args.extend(["--initial-deposit", DEPOSIT]);
        written.iter().for_each(|path| args.extend(["--messages", path]));
        self.ask(&args);
        let all = self.ask(&["query", "gov", "proposals"]);
        all["proposals"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned()
    }
    fn vote(&self, from: &str, id: &str, option: &str) {
        self.ask(&["tx", "gov", "vote", "--from", from, "--proposal-id", id, "--option", option]);
    }
    fn proposal(&self, id: &str) -> Value {
        self.ask(&["query", "gov", "proposal", id])["proposal"].clone()
    }
    fn ends(&self, id: &str) -> Value {
        let ended = || Some(self.proposal(id)).filter(|proposal| proposal["status"] != "PROPOSAL_STATUS_VOTING_PERIOD");
        until("the end of the vote", 60, 200, ended)
    }
    fn supply(&self) -> u128 {
        self.ask(&["query", "bank", "supply-of", "--denom", "ucairn"])["amount"]["amount"].as_str().unwrap().parse().unwrap()
    }
    /// The parameters of auth with another longest memo, as a message of governance.
    fn set_memo(&self, characters: u64) -> Value {
        let mut params = self.ask(&["query", "auth", "params"])["params"].clone();
        params["max_memo_characters"] = json!(characters.to_string());
        let authority = self.ask(&["query", "auth", "module-account-by-name", "gov"])["account"]["base_account"]["address"].clone();
        json!({ "@type": "/cosmos.auth.v1beta1.MsgUpdateParams", "authority": authority, "params": params })
    }
    fn memo(&self) -> Value {
        self.ask(&["query", "auth", "params"])["params"]["max_memo_characters"].clone()
    }
}

#[test]
fn proposals_pass_fail_and_are_vetoed() {
    let network = Network::start_with(&Options::default(), quick);
    let operator = network.accounts()[0].name.clone();
    // The requester's key is in the client's home already.
    ["buyer", &operator].iter().filter(|name| **name != "requester").for_each(|name| network.import(name));
    let town = Town { network, operator };
    let validator = town.ask(&["query", "staking", "validators"])["validators"][0]["operator_address"].as_str().unwrap().to_owned();
    let stake = ["tx", "staking", "delegate", "--from", "buyer", "--validator-address", &validator, "--amount", "30000000ucairn"];
    town.ask(&stake);

    let carried = town.propose("shorter-memos", &[town.set_memo(100)]);
    let vetoed = town.propose("no-memos", &[town.set_memo(1)]);
    let failing = town.propose("nonsense", &[town.set_memo(90), town.set_memo(0)]);
    for id in [&carried, &vetoed, &failing] {
        town.vote(&town.operator, id, "yes");
    }
    let half = json!([{ "option": "VOTE_OPTION_YES", "weight": "0.6" }, { "option": "VOTE_OPTION_ABSTAIN", "weight": "0.4" }]);
    let split: Vec<String> = half.as_array().unwrap().iter().map(ToString::to_string).collect();
    let weighted =
        ["tx", "gov", "vote-weighted", "--from", "buyer", "--proposal-id", &carried, "--options", &split[0], "--options", &split[1]];
    town.ask(&weighted);
    town.vote("buyer", &vetoed, "no_with_veto");
    town.vote("buyer", &failing, "yes");
    let before = town.supply();

    let ended = town.ends(&carried);
    assert_eq!(ended["status"], "PROPOSAL_STATUS_PASSED", "{ended}");
    let tally = &ended["final_tally_result"];
    assert_eq!(
        (&tally["yes_count"], &tally["abstain_count"]),
        (&json!("28000000"), &json!("12000000")),
        "10 of the operator, 18 of the delegator"
    );
    let ended = town.ends(&vetoed);
    assert_eq!(ended["status"], "PROPOSAL_STATUS_REJECTED", "{ended}");
    assert_eq!(ended["final_tally_result"]["no_with_veto_count"], "30000000");
    let ended = town.ends(&failing);
    assert_eq!(ended["status"], "PROPOSAL_STATUS_FAILED", "{ended}");
    assert!(ended["failed_reason"].as_str().unwrap().contains("max memo characters"), "{ended}");
    assert_eq!(town.memo(), "100", "neither the vetoed nor any part of the failed one");
    assert!(before - town.supply() >= 10_000_000, "the deposit of the vetoed one is burnt");
}
