//! The endpoints that the descriptors' `google.api.http` options name, and the questions that are asked of each.
use cairn_proto::DESCRIPTORS;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MethodDescriptor, ReflectMessage, Value};

use super::{
    ask::{self, Answer},
    state::{Pair, Side},
};

/// One path that can be got.
pub(super) struct Endpoint {
    pub(super) method: MethodDescriptor,
    /// As in the `.proto`: `/cosmos/bank/v1beta1/denoms_metadata/{denom}`.
    pub(super) template: String,
}

/// One request, spelt for either side.
pub(super) struct Question {
    pub(super) name: String,
    ours: String,
    sims: String,
    /// Whether it is about the state after the first transaction, which the header asks for.
    earlier: bool,
}

impl Question {
    /// What both answer.
    pub(super) fn ask(&self, pair: &Pair) -> (Answer, Answer) {
        let one = |side: &Side, path: &str| match side.values.get("height").filter(|_| self.earlier) {
            Some(height) => ask::get_with(&side.rest, path, ("x-cosmos-block-height", height)),
            None => ask::get(&side.rest, path),
        };
        (one(&pair.ours, &self.ours), one(&pair.sims, &self.sims))
    }
}

/// Every path of `cosmos.*` and `ibc.*` that can be got.
pub(super) fn all() -> Vec<Endpoint> {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let http = pool.get_extension_by_name("google.api.http").unwrap();
    let text = |rule: &DynamicMessage| rule.get_field_by_name("get").and_then(|v| v.as_str().map(str::to_owned)).filter(|g| !g.is_empty());
    let mut found = Vec::new();
    for method in pool.services().filter(|s| !s.full_name().starts_with("cairn.")).flat_map(|s| s.methods().collect::<Vec<_>>()) {
        let rule = method.options().get_extension(&http).into_owned();
        let rule = rule.as_message().unwrap();
        let more = rule.get_field_by_name("additional_bindings").unwrap().into_owned();
        let rules = std::iter::once(rule).chain(more.as_list().unwrap().iter().filter_map(Value::as_message));
        found.extend(rules.filter_map(text).map(|template| Endpoint { method: method.clone(), template }));
    }
    found
}

impl Endpoint {
    /// Whether we and they have it.
    pub(super) fn served(&self, pair: &Pair) -> (bool, bool) {
        let has = |side: &Side| !ask::get(&side.rest, &self.path(side, None)).is_absent();
        (has(&pair.ours), has(&pair.sims))
    }

    /// Names in the path.
    fn variables(&self) -> Vec<&str> {
        self.template.split('{').skip(1).map(|part| part.split(['}', '=']).next().unwrap()).collect()
    }

    /// The path with what stands for its variables; `broken` with one of them replaced.
    fn path(&self, side: &Side, broken: Option<(&str, &str)>) -> String {
        let mut path = String::new();
        for (i, part) in self.template.split(['{', '}']).enumerate() {
            let name = part.split('=').next().unwrap();
            match broken {
                _ if i % 2 == 0 => path.push_str(part),
                Some((broken, text)) if broken == name => path.push_str(text),
                _ => path.push_str(&self.sample(side, name).replace('/', "%2F").replace('=', "%3D")),
            }
        }
        path
    }

    /// What stands for a variable of the path or a field of the query.
    fn sample<'a>(&self, side: &'a Side, name: &'a str) -> &'a str {
        let value = |of: &str| side.values.get(of).map_or("none", String::as_str);
        match name {
            "address" if self.template.starts_with("/cosmos/slashing") => value("consensus"),
            "cons_address" => value("consensus"),
            "address" | "granter" | "delegator_addr" | "delegator_address" | "depositor" | "voter" | "address_string" => value("account"),
            "grantee" => value("other"),
            "validator_addr" | "validator_address" | "src_validator_addr" => value("validator"),
            "address_bytes" => value("bytes"),
            "hash" if self.template.starts_with("/cosmos/tx") => value("hash"),
            "name" if self.template.starts_with("/cosmos/auth") => "fee_collector",
            "interface_name" => "cosmos.auth.v1beta1.AccountI",
            "denom" => "ucairn",
            "height" | "last_height" => "3",
            "id" | "proposal_id" => "1",
            "params_type" => "voting",
            "query" => "tx.height%3D3",
            "path" => "/app/version",
            _ => "none",
        }
    }

    /// Fields of the query string without which the answer is a refusal.
    fn required(&self) -> &'static [&'static str] {
        let name = self.method.full_name();
        let by_query = ["denom"].as_slice();
        match name.rsplit('.').next().unwrap() {
            "Balance" | "SpendableBalanceByDenom" | "SupplyOf" | "DenomOwnersByQuery" | "DenomMetadataByQueryString" => by_query,
            "GetTxsEvent" => &["query"],
            "ABCIQuery" => &["path"],
            "Grants" => &["granter", "grantee"],
            _ => &[],
        }
    }

    /// Everything that is asked.
    pub(super) fn questions(&self, pair: &Pair) -> Vec<Question> {
        let with = |side: &Side, query: &str| {
            let required = self.required().iter().map(|name| format!("{name}={}", self.sample(side, name)));
            let all: Vec<String> = required.chain((!query.is_empty()).then(|| query.to_owned())).collect();
            format!("{}{}{}", self.path(side, None), if all.is_empty() { "" } else { "?" }, all.join("&"))
        };
        let question = |name: &str, of: &dyn Fn(&Side) -> String| {
            let (ours, sims) = (of(&pair.ours), of(&pair.sims));
            Question { name: format!("{name} {ours}"), ours, sims, earlier: false }
        };
        let mut asked = vec![question("good", &|s| with(s, "")), question("unknown parameter", &|s| with(s, "nothing=1"))];
        asked.push(Question { earlier: true, ..question("earlier", &|s| with(s, "")) });
        if !self.required().is_empty() {
            asked.push(question("nothing required", &|s| self.path(s, None)));
        }
        for variable in self.variables() {
            for text in ["x", "%21", "0", "987654321"] {
                asked.push(question(&format!("{variable}={text}"), &|s| self.path(s, Some((variable, text)))));
            }
            if self.sample(&pair.ours, variable).starts_with("cairn1") {
                let stranger = |s: &Side| self.path(s, Some((variable, s.values.get("stranger").unwrap())));
                asked.push(question("stranger", &stranger));
            }
        }
        if self.method.input().get_field_by_name("pagination").is_some() {
            for page in [
                "pagination.limit=1",
                "pagination.limit=1&pagination.count_total=true",
                "pagination.countTotal=true&pagination.offset=1&pagination.limit=2",
                "pagination.reverse=true",
                "pagination.limit=x",
                "pagination.key=AQ%3D%3D&pagination.offset=1",
                "pagination.offset=100000",
            ] {
                asked.push(question(page, &|s| with(s, page)));
            }
        }
        asked
    }

    /// The same over gRPC-web: which fields the answers hold, as JSON with `true` for each message that is there.
    pub(super) fn over_grpc_web(&self, pair: &Pair) -> (Answer, Answer) {
        let path = format!("/{}/{}", self.method.parent_service().full_name(), self.method.name());
        let one = |side: &Side| match ask::grpc_web(&side.rest, &path, &self.request(side).encode_to_vec()) {
            Ok(bytes) => {
                let message = DynamicMessage::decode(self.method.output(), bytes.as_slice()).unwrap();
                Answer::of(200, &present(&message).to_string())
            }
            Err((code, text)) => {
                Answer::of(400, &serde_json::json!({"code": code, "message": text.replace("%20", " "), "details": []}).to_string())
            }
        };
        (one(&pair.ours), one(&pair.sims))
    }

    /// The request with all that stands for variables and required fields.
    fn request(&self, side: &Side) -> DynamicMessage {
        let mut request = DynamicMessage::new(self.method.input());
        for name in self.variables().into_iter().chain(self.required().iter().copied()) {
            let Some(field) = self.method.input().get_field_by_name(name) else { continue };
            let text = self.sample(side, name).replace("%3D", "=");
            let value = match field.kind() {
                Kind::String => Value::String(text),
                Kind::Bytes => Value::Bytes(vec![1; 20].into()),
                Kind::Int64 => Value::I64(text.parse().unwrap()),
                _ => Value::U64(text.parse().unwrap()),
            };
            request.set_field(&field, value);
        }
        request
    }
}

/// The messages that are there, without their values.
fn present(message: &DynamicMessage) -> serde_json::Value {
    let descriptor = message.descriptor();
    let fields = descriptor.fields().filter(|f| matches!(f.kind(), Kind::Message(_))).map(|field| {
        let value = message.get_field(&field);
        let shown = match value.as_ref() {
            Value::List(items) => items.iter().take(1).filter_map(Value::as_message).map(present).collect(),
            Value::Message(inner) if message.has_field(&field) => present(inner),
            _ => serde_json::Value::Null,
        };
        (field.name().to_owned(), shown)
    });
    serde_json::Value::Object(fields.collect())
}
