//! `StdTx`, the transaction of Cosmos chains before protobuf: nothing signs or sends it any more, but clients may still ask for it in its
//! two forms.
use cairn_proto::{
    Any,
    cosmos::{base::v1beta1::Coin, tx::v1beta1::Fee},
};
use serde_json::Value;

use super::{
    Amino, AminoError,
    binary::prefix,
    document::write_fee,
    wire::{cut, field_bytes, field_number, take_field},
    write::quote,
};
use crate::api::json::{decode_base64, encode_base64};

const NAME: &str = "cosmos-sdk/StdTx";

type Result<T> = std::result::Result<T, AminoError>;

#[derive(Debug, Default)]
struct StdTx {
    messages: Vec<Any>,
    fee: Fee,
    signatures: Vec<(Option<Any>, Vec<u8>)>,
    memo: String,
    timeout_height: u64,
}

impl Amino {
    /// A `StdTx` in JSON as amino binary.
    ///
    /// # Errors
    /// If it is none, or a message of it is not known by an amino name.
    pub fn std_tx_binary(&self, json: &str) -> Result<Vec<u8>> {
        let json: Value = serde_json::from_str(json).map_err(|e| AminoError::Undecodable(e.to_string()))?;
        if json.get("type").and_then(Value::as_str) != Some(NAME) {
            return Err(AminoError::Undecodable(format!("anything but {NAME}")));
        }
        self.put_tx(&self.read_tx(json.get("value").unwrap_or(&Value::Null))?)
    }

    /// A `StdTx` in amino binary as JSON.
    ///
    /// # Errors
    /// If it is none, or a message of it is not known by an amino name.
    pub fn std_tx_json(&self, binary: &[u8]) -> Result<String> {
        let fields = binary.strip_prefix(&prefix(NAME)).ok_or_else(cut)?;
        let tx = self.take_tx(fields)?;
        let mut out = format!("{{\"type\":\"{NAME}\",\"value\":{{\"msg\":");
        self.write_list(&tx.messages, &mut out)?;
        out.push_str(",\"fee\":");
        write_fee(Some(&tx.fee), &mut out);
        out.push_str(",\"signatures\":");
        self.write_signatures(&tx.signatures, &mut out)?;
        out.push_str(",\"memo\":");
        quote(&tx.memo, &mut out);
        out.push_str(",\"timeout_height\":");
        quote(&tx.timeout_height.to_string(), &mut out);
        out.push_str("}}");
        Ok(out)
    }

    fn write_signatures(&self, signatures: &[(Option<Any>, Vec<u8>)], out: &mut String) -> Result<()> {
        if signatures.is_empty() {
            out.push_str("null");
            return Ok(());
        }
        let mut before = '[';
        for (key, signature) in signatures {
            out.push(before);
            before = ',';
            out.push_str("{\"pub_key\":");
            match key {
                Some(key) => self.write_packed(&key.type_url, &key.value, out)?,
                None => out.push_str("null"),
            }
            out.push_str(",\"signature\":");
            quote(&encode_base64(signature), out);
            out.push('}');
        }
        out.push(']');
        Ok(())
    }

    fn read_tx(&self, json: &Value) -> Result<StdTx> {
        let list = |name: &str| json.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let any = |json: &Value| self.read_packed(json).map(|(type_url, value)| Any { type_url, value });
        let signature = |json: &Value| {
            let key = json.get("pub_key").filter(|key| !key.is_null()).map(any).transpose()?;
            let bytes = text(json, "signature")?.map(|text| decode_base64(&text).ok_or_else(|| wrong("signature"))).transpose()?;
            Ok((key, bytes.unwrap_or_default()))
        };
        Ok(StdTx {
            messages: list("msg").iter().map(any).collect::<Result<_>>()?,
            fee: read_fee(json.get("fee").unwrap_or(&Value::Null))?,
            signatures: list("signatures").iter().map(signature).collect::<Result<_>>()?,
            memo: text(json, "memo")?.unwrap_or_default(),
            timeout_height: whole(json, "timeout_height")?,
        })
    }

    fn put_tx(&self, tx: &StdTx) -> Result<Vec<u8>> {
        let mut out = prefix(NAME).to_vec();
        for message in &tx.messages {
            field_bytes(1, &self.packed(&message.type_url, &message.value)?, &mut out);
        }
        let fee = put_fee(&tx.fee);
        if !fee.is_empty() {
            field_bytes(2, &fee, &mut out);
        }
        for (key, signature) in &tx.signatures {
            let mut part = Vec::new();
            if let Some(key) = key {
                field_bytes(1, &self.packed(&key.type_url, &key.value)?, &mut part);
            }
            if !signature.is_empty() {
                field_bytes(2, signature, &mut part);
            }
            field_bytes(3, &part, &mut out);
        }
        put_text(4, &tx.memo, &mut out);
        field_number(5, tx.timeout_height, &mut out);
        Ok(out)
    }

    fn take_tx(&self, mut bytes: &[u8]) -> Result<StdTx> {
        let mut tx = StdTx::default();
        let any = |bytes: &[u8]| self.unpack(bytes).map(|(type_url, value)| Any { type_url, value });
        while !bytes.is_empty() {
            match take_field(&mut bytes)? {
                (1, part) => tx.messages.push(any(part.bytes()?)?),
                (2, part) => tx.fee = take_fee(part.bytes()?)?,
                (3, part) => {
                    let (mut rest, mut signature) = (part.bytes()?, (None, Vec::new()));
                    while !rest.is_empty() {
                        match take_field(&mut rest)? {
                            (1, part) => signature.0 = Some(any(part.bytes()?)?),
                            (2, part) => signature.1 = part.bytes()?.to_vec(),
                            _ => return Err(cut()),
                        }
                    }
                    tx.signatures.push(signature);
                }
                (4, part) => tx.memo = part.text()?,
                (5, part) => tx.timeout_height = part.number()?,
                _ => return Err(cut()),
            }
        }
        Ok(tx)
    }
}

fn wrong(what: &str) -> AminoError {
    AminoError::Undecodable(format!("{what} of a transaction"))
}

fn text(json: &Value, name: &str) -> Result<Option<String>> {
    match json.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(name)),
    }
}

fn whole(json: &Value, name: &str) -> Result<u64> {
    text(json, name)?.map_or(Ok(0), |text| text.parse().map_err(|_| wrong(name)))
}

fn read_fee(json: &Value) -> Result<Fee> {
    let coin =
        |json: &Value| Ok(Coin { denom: text(json, "denom")?.unwrap_or_default(), amount: text(json, "amount")?.unwrap_or_default() });
    let amount = json.get("amount").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(Fee {
        amount: amount.iter().map(coin).collect::<Result<_>>()?,
        gas_limit: whole(json, "gas")?,
        payer: text(json, "payer")?.unwrap_or_default(),
        granter: text(json, "granter")?.unwrap_or_default(),
    })
}

fn put_text(field: u32, text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        field_bytes(field, text.as_bytes(), out);
    }
}

fn put_fee(fee: &Fee) -> Vec<u8> {
    let mut out = Vec::new();
    for Coin { denom, amount } in &fee.amount {
        let mut coin = Vec::new();
        put_text(1, denom, &mut coin);
        put_text(2, if amount.is_empty() { "0" } else { amount }, &mut coin);
        field_bytes(1, &coin, &mut out);
    }
    field_number(2, fee.gas_limit, &mut out);
    put_text(3, &fee.payer, &mut out);
    put_text(4, &fee.granter, &mut out);
    out
}

fn take_fee(mut bytes: &[u8]) -> Result<Fee> {
    let mut fee = Fee::default();
    while !bytes.is_empty() {
        match take_field(&mut bytes)? {
            (1, part) => fee.amount.push(prost::Message::decode(part.bytes()?).map_err(|_| cut())?),
            (2, part) => fee.gas_limit = part.number()?,
            (3, part) => fee.payer = part.text()?,
            (4, part) => fee.granter = part.text()?,
            _ => return Err(cut()),
        }
    }
    Ok(fee)
}
