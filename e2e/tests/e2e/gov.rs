//! Governance by the command line: a proposal changes parameters, drafted, submitted, funded and voted on by `cairnd gov`; another one is vetoed and
//! its deposit burnt, a third one fails when it is carried out; delegators decide for themselves.
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
        self.network.cairnd_json(args)
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
    /// Runs `cairnd gov`, which tells in words what it did.
    fn gov(&self, args: &[&str]) -> String {
        self.network.cairnd(&[&["gov"], args].concat())
    }
    /// Drafts, as people do, a proposal for another longest memo, and submits it with a part of the deposit. Gives its number.
    fn draft_and_submit(&self, characters: u64) -> String {
        let file = self.network.path().join("draft.json");
        let path = file.to_str().unwrap();
        let said = self.gov(&["draft", "auth", "--out", path]);
        assert!(
            said.contains("holds the parameters in force") && said.contains(&format!("cairnd gov submit {path} --from NAME")),
            "{said}"
        );
        assert!(self.network.cairnd_refused(&["gov", "draft", "auth", "--out", path]).contains("exists already"));
        let mut draft: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!((&draft["deposit"], &draft["messages"][0]["params"]["max_memo_characters"]), (&json!(DEPOSIT), &json!("256")));
        draft["messages"][0]["params"]["max_memo_characters"] = json!(characters.to_string());
        std::fs::write(&file, draft.to_string()).unwrap();
        let said = self.gov(&["submit", path, "--from", "requester", "--deposit", "6000000ucairn"]);
        let id = said.strip_prefix("proposal ").and_then(|rest| rest.split(' ').next()).unwrap();
        assert!(said.contains(&format!("cairnd gov vote {id} yes --from requester")), "{said}");
        id.to_owned()
    }
    /// How a proposal stands, as `cairnd gov show` tells programs; what it tells people says the same.
    fn shown(&self, id: &str) -> Value {
        assert!(self.gov(&["show", id]).contains(&format!("proposal: {id}")));
        self.ask(&["gov", "show", id])
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

    // Before any vote, of which none ends then however slow the machine is.
    let before = town.supply();
    let carried = town.draft_and_submit(100);
    let shown = town.shown(&carried);
    assert_eq!((&shown["status"], &shown["deposit"]), (&json!("PROPOSAL_STATUS_DEPOSIT_PERIOD"), &json!("6000000ucairn")), "{shown}");
    assert!(town.network.cairnd_refused(&["gov", "vote", &carried, "yes", "--from", "buyer"]).contains("inactive proposal"));
    assert!(town.network.cairnd_refused(&["gov", "vote", &carried, "perhaps", "--from", "buyer"]).contains("yes, no, abstain or veto"));
    let said = town.gov(&["deposit", &carried, "4000000ucairn", "--from", "buyer"]);
    assert!(said.contains("deposited in block") && said.contains(&format!("cairnd gov show {carried}")), "{said}");
    assert!(town.gov(&["vote", &carried, "yes", "--from", &town.operator]).contains("voted in block"));
    assert!(town.gov(&["vote", &carried, "yes=0.6,abstain=0.4", "--from", "buyer"]).contains("voted in block"));
    let vetoed = town.propose("no-memos", &[town.set_memo(1)]);
    let failing = town.propose("nonsense", &[town.set_memo(90), town.set_memo(0)]);
    for id in [&vetoed, &failing] {
        town.vote(&town.operator, id, "yes");
    }
    town.vote("buyer", &vetoed, "no_with_veto");
    town.vote("buyer", &failing, "yes");

    let ended = town.ends(&carried);
    assert_eq!(ended["status"], "PROPOSAL_STATUS_PASSED", "{ended}");
    let tally = &ended["final_tally_result"];
    assert_eq!(
        (&tally["yes_count"], &tally["abstain_count"]),
        (&json!("28000000"), &json!("12000000")),
        "10 of the operator, 18 of the delegator"
    );
    let shown = town.shown(&carried);
    let parts = ["yes", "abstain", "turnout", "yes_of_decided", "veto_of_votes"].map(|part| shown[part].as_str().unwrap());
    assert_eq!(parts, ["28000000", "12000000", "100.0 %", "100.0 %", "0.0 %"], "{shown}");
    let ended = town.ends(&vetoed);
    assert_eq!(ended["status"], "PROPOSAL_STATUS_REJECTED", "{ended}");
    assert_eq!(ended["final_tally_result"]["no_with_veto_count"], "30000000");
    let ended = town.ends(&failing);
    assert_eq!(ended["status"], "PROPOSAL_STATUS_FAILED", "{ended}");
    assert!(ended["failed_reason"].as_str().unwrap().contains("max memo characters"), "{ended}");
    assert_eq!(town.memo(), "100", "neither the vetoed nor any part of the failed one");
    assert!(before - town.supply() >= 10_000_000, "the deposit of the vetoed one is burnt");
}
