//! REST routes from the `google.api.http` options of the served methods.
use std::{cmp::Ordering, collections::BTreeSet};

use percent_encoding::percent_decode_str;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

/// A part of a path template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// This text. The first in order: where several templates match a path, the one with the earlier text wins.
    Literal(String),
    /// One segment, whatever it is.
    One,
    /// One or more segments; the last part.
    Rest,
}

/// A path with variables: `/cosmos/bank/v1beta1/denoms_metadata/{denom=**}`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template {
    parts: Vec<Part>,
    /// Field path and the range of parts whose text it takes.
    variables: Vec<(String, std::ops::Range<usize>)>,
}

/// Which part of a request its HTTP body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// None: all fields come from the path and the query string.
    None,
    /// All fields that the path does not hold.
    Whole,
    /// One field.
    Field(String),
}

/// One method under one HTTP method and path.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// `GET`, `POST`, ...
    pub(super) verb: String,
    /// As in the `.proto`.
    pub(super) pattern: String,
    template: Template,
    pub(super) body: Body,
    pub(super) method: MethodDescriptor,
    /// `/package.Service/Method`.
    pub(super) path: String,
}

impl Route {
    /// The fields that the path holds.
    pub(super) fn variables(&self) -> Vec<String> {
        self.template.variables.iter().map(|(field, _)| field.clone()).collect()
    }
}

/// Fields of a request and the texts that a path gives them.
pub(super) type Variables = Vec<(String, String)>;

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A method, and the values of the template's variables; several, to be tried in order, where methods share a template.
    Routes(Vec<(&'a Route, Variables)>),
    /// The path is known under another HTTP method.
    OtherVerb,
    /// Nothing.
    Nothing,
    /// A percent-encoding is broken.
    Malformed,
}

/// All REST routes, the more specific first.
#[derive(Debug)]
pub(super) struct Routes(Vec<Route>);

impl Routes {
    /// The routes of the methods named in `served`. Of two with one template, the later in the descriptors comes first.
    pub(super) fn new(pool: &DescriptorPool, served: &BTreeSet<String>) -> Self {
        let methods = pool.services().flat_map(|s| s.methods().collect::<Vec<_>>());
        let mut routes: Vec<Route> = methods.filter(|m| served.contains(&method_path(m))).flat_map(|m| routes_of(pool, &m)).collect();
        routes.reverse();
        routes.sort_by(|a, b| a.template.specificity(&b.template));
        Self(routes)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// What `verb path` leads to; `path` is as received, still percent-encoded.
    pub(super) fn find(&self, verb: &str, path: &str) -> Found<'_> {
        let Some(segments) = decoded_segments(path) else { return Found::Malformed };
        let (mut found, mut other_verb): (Vec<(&Route, Variables)>, bool) = (Vec::new(), false);
        for route in &self.0 {
            // What is more specific than what follows stands alone.
            if found.first().is_some_and(|(first, _)| first.template.specificity(&route.template).is_ne()) {
                break;
            }
            match route.template.matches(&segments) {
                Some(variables) if route.verb == verb => found.push((route, variables)),
                Some(_) => other_verb = true,
                None => {}
            }
        }
        match (found.is_empty(), other_verb) {
            (false, _) => Found::Routes(found),
            (true, true) => Found::OtherVerb,
            (true, false) => Found::Nothing,
        }
    }
}

/// `/package.Service/Method`.
pub(super) fn method_path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn decoded_segments(path: &str) -> Option<Vec<String>> {
    let well_formed = |s: &str| {
        let mut escapes = s.split('%').skip(1);
        escapes.all(|e| e.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
    };
    let decode = |s: &str| well_formed(s).then(|| percent_decode_str(s).decode_utf8().ok().map(std::borrow::Cow::into_owned)).flatten();
    path.strip_prefix('/')?.split('/').map(decode).collect()
}

impl Template {
    /// `None` if it is no template: unbalanced braces, or parts after `**`. A variable `denom` at the end is read as `{denom=**}`, since
    /// denominations hold slashes and clients do not encode them.
    fn parse(text: &str) -> Option<Self> {
        let (mut parts, mut variables) = (Vec::new(), Vec::new());
        let mut rest = text.strip_prefix('/')?;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('{') {
                let (variable, after) = inner.split_once('}')?;
                let plain = if variable == "denom" && after.is_empty() { "**" } else { "*" };
                let (field, pattern) = variable.split_once('=').unwrap_or((variable, plain));
                let start = parts.len();
                parts.extend(pattern.split('/').map(part));
                variables.push((field.to_owned(), start..parts.len()));
                rest = after;
            } else {
                let (segment, _) = rest.split_once('/').unwrap_or((rest, ""));
                parts.push(part(segment));
                rest = rest.strip_prefix(segment)?;
            }
            rest = match rest.strip_prefix('/') {
                Some(more) if !more.is_empty() => more,
                None if rest.is_empty() => rest,
                _ => return None,
            };
        }
        let ends = parts.iter().position(|p| *p == Part::Rest).is_none_or(|at| at.checked_add(1) == Some(parts.len()));
        let sound = !parts.is_empty() && !parts.iter().any(|p| matches!(p, Part::Literal(l) if l.is_empty() || l.contains(['{', '}'])));
        (ends && sound).then_some(Self { parts, variables })
    }

    /// The values of the variables, if the path fits. A segment that is empty fits no variable.
    fn matches(&self, segments: &[String]) -> Option<Vec<(String, String)>> {
        let open = self.parts.last() == Some(&Part::Rest);
        if segments.len() < self.parts.len() || (!open && segments.len() > self.parts.len()) {
            return None;
        }
        let fits = self.parts.iter().zip(segments).all(|(part, segment)| match part {
            Part::Literal(text) => text == segment,
            Part::One | Part::Rest => !segment.is_empty(),
        });
        if !fits {
            return None;
        }
        let value = |range: &std::ops::Range<usize>| {
            let end = if open && range.end == self.parts.len() { segments.len() } else { range.end };
            segments.get(range.start..end).map(|s| s.join("/"))
        };
        self.variables.iter().map(|(field, range)| Some((field.clone(), value(range)?))).collect()
    }

    fn specificity(&self, other: &Self) -> Ordering {
        let rank = |p: &Part| match p {
            Part::Literal(_) => 0,
            Part::One => 1,
            Part::Rest => 2,
        };
        self.parts.iter().map(rank).cmp(other.parts.iter().map(rank))
    }
}

fn part(text: &str) -> Part {
    match text {
        "*" => Part::One,
        "**" => Part::Rest,
        literal => Part::Literal(literal.to_owned()),
    }
}

fn routes_of(pool: &DescriptorPool, method: &MethodDescriptor) -> Vec<Route> {
    let Some(http) = pool.get_extension_by_name("google.api.http") else { return Vec::new() };
    let options = method.options();
    if !options.has_extension(&http) {
        return Vec::new();
    }
    let rule = options.get_extension(&http);
    let Some(rule) = rule.as_message() else { return Vec::new() };
    let more = rule.get_field_by_name("additional_bindings").and_then(|b| b.as_list().map(<[Value]>::to_vec)).unwrap_or_default();
    let rules = std::iter::once(rule).chain(more.iter().filter_map(Value::as_message));
    rules.filter_map(|r| route(r, method)).collect()
}

fn route(rule: &DynamicMessage, method: &MethodDescriptor) -> Option<Route> {
    let text = |name: &str| rule.get_field_by_name(name).and_then(|v| v.as_str().map(str::to_owned)).filter(|s| !s.is_empty());
    let bound = ["get", "put", "post", "delete", "patch"].into_iter().find_map(|verb| Some((verb, text(verb)?)));
    let (verb, pattern) = bound?;
    let body = match text("body").as_deref() {
        None => Body::None,
        Some("*") => Body::Whole,
        Some(field) => Body::Field(field.to_owned()),
    };
    let template = Template::parse(&pattern)?;
    Some(Route { verb: verb.to_uppercase(), pattern, template, body, method: method.clone(), path: method_path(method) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json::Dialect;

    fn values(template: &str, path: &str) -> Option<Vec<String>> {
        let segments = decoded_segments(path)?;
        Some(Template::parse(template)?.matches(&segments)?.into_iter().map(|(k, v)| format!("{k}={v}")).collect())
    }

    #[test]
    fn takes_the_text_of_variables() {
        let owner = |path| values("/a/owners/{owner.address}/items", path);
        assert_eq!(owner("/a/owners/cairn1x/items"), Some(vec!["owner.address=cairn1x".into()]));
        assert_eq!(owner("/a/owners/ibc%2FA%20b/items"), Some(vec!["owner.address=ibc/A b".into()]));
        for none in
            ["/a/owners//items", "/a/owners/x", "/a/owners/x/items/", "/a/owners/x/items/y", "/b/owners/x/items", "a/owners/x/items"]
        {
            assert_eq!(owner(none), None, "{none}");
        }
    }

    #[test]
    fn a_rest_holds_slashes_and_is_not_empty() {
        let denom = |path| values("/m/{denom=**}", path);
        assert_eq!(denom("/m/share/asset/1"), Some(vec!["denom=share/asset/1".into()]));
        assert_eq!(denom("/m/share%2Fasset%2F1"), Some(vec!["denom=share/asset/1".into()]));
        assert_eq!((denom("/m/"), denom("/m")), (None, None));
    }

    #[test]
    fn a_variable_may_hold_a_pattern_of_its_own() {
        assert_eq!(values("/v1/{name=shelves/*/books/*}/x", "/v1/shelves/1/books/2/x"), Some(vec!["name=shelves/1/books/2".into()]));
        assert_eq!(values("/v1/{name=shelves/*}", "/v1/boxes/1"), None);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for bad in ["", "a", "/", "/{a", "/a}", "/{a=**}/b", "/a//b", "/a/"] {
            assert!(Template::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn broken_escapes_are_malformed() {
        for bad in ["/%", "/%4", "/%zz", "/%ff", "/a%2"] {
            assert_eq!(decoded_segments(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_more_specific_route_wins() {
        let pool = Dialect::cairn().pool();
        let served = pool.services().flat_map(|s| s.methods().map(|m| method_path(&m)).collect::<Vec<_>>()).collect();
        let routes = Routes::new(pool, &served);
        let name = |path: &str| match routes.find("GET", path) {
            Found::Routes(found) => found.iter().map(|(route, _)| route.method.name()).collect::<Vec<_>>().join(" or "),
            other => format!("{other:?}"),
        };
        assert_eq!(name("/cosmos/base/tendermint/v1beta1/blocks/latest"), "GetLatestBlock");
        assert_eq!(name("/cosmos/base/tendermint/v1beta1/blocks/7"), "GetBlockByHeight");
        assert_eq!(name("/cosmos/bank/v1beta1/supply/by_denom"), "SupplyOf");
        assert_eq!(name("/cosmos/bank/v1beta1/denoms_metadata"), "DenomsMetadata");
        assert_eq!(name("/cosmos/bank/v1beta1/denoms_metadata/ibc/AB"), "DenomMetadata");
        assert_eq!(name("/cosmos/auth/v1beta1/bech32/cairn1x"), "AddressStringToBytes or AddressBytesToString");
        assert_eq!(name("/cosmos/tx/v1beta1/simulate"), "OtherVerb");
        assert_eq!(name("/cosmos/tx/v1beta1/nothing/here"), "Nothing");
        assert_eq!(name("/%"), "Malformed");
    }

    #[test]
    fn only_what_is_served_has_a_route() {
        let served = BTreeSet::from(["/cosmos.bank.v1beta1.Query/Balance".to_owned()]);
        let routes = Routes::new(Dialect::cairn().pool(), &served);
        assert!(!routes.0.is_empty() && routes.iter().all(|r| r.path == "/cosmos.bank.v1beta1.Query/Balance"));
        assert!(matches!(routes.find("GET", "/cosmos/bank/v1beta1/params"), Found::Nothing));
    }
}
