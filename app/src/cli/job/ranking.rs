//! The ranking of a PAIRWISE job's contestants, as a table.
use anyhow::{Result, bail};
use cairn_formats::export::Sink;
use cairn_proto::cairn::annotation::v1::{Job, JobType, QueryRankingRequest, QueryRankingResponse, Ranked};

use super::record::Record;
use crate::cli::rpc::Rpc;

/// Places asked for at once.
const PAGE: u32 = 1_000;
/// The columns.
const HEADING: [&str; 9] = ["place", "item", "contestant", "rating", "elo", "wins", "comparisons", "chain", "job"];

/// Writes the ranking: CSV, the strongest first. `rating` is the base-2 logarithm of the strength, `wins` counts a tie as half.
pub(crate) fn write(rpc: &Rpc, chain: &str, job: &Job, record: Option<&Record>, file: &mut Sink) -> Result<()> {
    if job.r#type() != JobType::Pairwise || job.contestants == 0 {
        bail!("a ranking is of the contestants of a PAIRWISE job that names them; job {} has none: export jsonl, csv, parquet ..", job.id);
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(HEADING)?;
    let mut from = 0;
    loop {
        let request = QueryRankingRequest { job: job.id, from, limit: PAGE };
        let found: QueryRankingResponse = rpc.ask("/cairn.annotation.v1.Query/Ranking", &request)?;
        for ranked in &found.ranking {
            table.write_record(line(ranked, chain, job.id, record)?)?;
        }
        from = found.next;
        if from == 0 {
            break;
        }
    }
    file.write(&table.into_inner().map_err(|e| e.into_error())?)?;
    Ok(())
}

fn line(ranked: &Ranked, chain: &str, job: u64, record: Option<&Record>) -> Result<[String; 9]> {
    let name = record.and_then(|record| record.contestants.get(usize::try_from(ranked.contestant).ok()?));
    Ok([
        ranked.place.to_string(),
        name.cloned().unwrap_or_else(|| ranked.contestant.to_string()),
        ranked.contestant.to_string(),
        decimal(ranked.rating_q16, 65_536),
        ranked.elo.to_string(),
        decimal(i64::try_from(ranked.wins)?, 131_070),
        ranked.comparisons.to_string(),
        chain.to_owned(),
        job.to_string(),
    ])
}

/// `number / unit`, rounded to four decimals.
fn decimal(number: i64, unit: u32) -> String {
    let scaled = u128::from(number.unsigned_abs()).saturating_mul(10_000).saturating_add(u128::from(unit / 2));
    let rounded = scaled.checked_div(unit.into()).unwrap_or_default();
    let sign = if number < 0 && rounded > 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", rounded / 10_000, rounded % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contestants_stand_by_name_where_the_home_knows_them() {
        let ranked = Ranked { place: 1, contestant: 1, rating_q16: -98_304, elo: -451, wins: 196_605, comparisons: 4 };
        let record: Record = serde_json::from_value(serde_json::json!({
            "chain_id": "c", "manifest_root": "", "gold_seed": "", "item_seed": "", "classes": [], "tasks": 0, "contestants": ["a", "b, c"],
        }))
        .unwrap();
        let named = line(&ranked, "cairn-1", 7, Some(&record)).unwrap();
        assert_eq!(named, ["1", "b, c", "1", "-1.5000", "-451", "1.5000", "4", "cairn-1", "7"].map(str::to_owned));
        assert_eq!(line(&ranked, "cairn-1", 7, None).unwrap()[1], "1");
        assert_eq!([decimal(-1, 131_070), decimal(131_069, 131_070), decimal(7, 65_536)], ["0.0000", "1.0000", "0.0001"]);
    }
}
