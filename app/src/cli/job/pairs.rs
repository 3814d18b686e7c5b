//! Comparisons: which items of a `pairwise` job are compared, listed or drawn; and the opening of who was compared in which task.
use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_annotation::{formats, formats::PairsTree, rules};
use cairn_formats::{JobKind, import::Spool};
use cairn_proto::{
    cairn::annotation::v1::{MsgOpenPairs, Pair, QueryPairsRequest, QueryPairsResponse},
    pack,
};
use rand::{RngCore, seq::SliceRandom};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    plan::{Contents, Item, Items, MAX_ITEM, Place},
    record::{self, Record},
};
use crate::cli::{
    keyring::AccountKey,
    reply::{Reply, answer_in_cell},
    rpc::Rpc,
    sign::{Signer, TxOptions},
};

/// The table `[pairs]`: everything in it may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PairPlan {
    /// The comparisons, relative to the description: CSV `left,right` or `left,right,class` with the names of items, or JSON Lines with
    /// these fields. A class makes a comparison material for gold.
    list: Option<PathBuf>,
    /// Without a list: comparisons of each item (one more where that cannot be, that is for odd numbers of both).
    each: u32,
    /// Whether the items are ranked at the settlement.
    pub(crate) rank: bool,
}

impl Default for PairPlan {
    fn default() -> Self {
        Self { list: None, each: 6, rank: true }
    }
}

/// Two contestants and the right answer, where it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    left: u32,
    right: u32,
    gold: Option<Reply>,
}

/// A line of a list of comparisons.
#[derive(Debug, Deserialize)]
struct Line {
    left: String,
    right: String,
    #[serde(default)]
    class: String,
}

impl PairPlan {
    /// The list's file; `description` is that of the description.
    pub(crate) fn file(&self, description: &Path) -> Option<PathBuf> {
        self.list.as_ref().map(|list| description.parent().unwrap_or(Path::new(".")).join(list))
    }
    /// Compares `items`: each comparison becomes an item of the job. `text_type` is the media type of those that are texts.
    pub(crate) fn compare(
        &self,
        (contestants, mut spool): (Vec<Item>, Spool),
        (folder, description): (&Path, &Path),
        gold: Option<&Path>,
        (classes, text_type): (&[String], &str),
    ) -> Result<Items> {
        let comparisons = self.comparisons(&contestants, description, gold, classes)?;
        let mut contents = Contents { folder, spool: &mut spool, contestants: &contestants, text_type };
        let mut items = Vec::with_capacity(comparisons.len());
        for Comparison { left, right, gold } in comparisons {
            let of = |number: u32| contestants.get(usize::try_from(number)?).context("there is no such contestant");
            let (first, second) = (of(left)?, of(right)?);
            let mut item = Item {
                name: format!("{} | {}", first.name, second.name).into(),
                sha256: [0; 32],
                bytes: 0,
                media: first.media,
                size: None,
                place: Place::Pair { left, right },
                gold,
            };
            let content = contents.read(&item)?;
            (item.bytes, item.sha256) = (u64::try_from(content.len())?, Sha256::digest(&content).into());
            if item.bytes > MAX_ITEM {
                bail!("{} have {} bytes together; a pair has at most {MAX_ITEM}", item.name, item.bytes);
            }
            items.push(item);
        }
        Ok(Items { items, spool, contestants })
    }
    /// Listed or drawn, with what is known of them.
    fn comparisons(&self, items: &[Item], description: &Path, gold: Option<&Path>, classes: &[String]) -> Result<Vec<Comparison>> {
        let (least, most) = rules::CONTESTANTS;
        let number = u32::try_from(items.len()).unwrap_or(u32::MAX);
        if !(least..=most).contains(&number) {
            bail!("{least} to {most} items can be compared, found {number}");
        }
        let numbers: HashMap<&str, u32> = (0_u32..).zip(items).map(|(number, item)| (&*item.name, number)).collect();
        let mut found = match self.file(description) {
            Some(list) => read(&list, &numbers, classes)?,
            None => draw(number, self.each, &mut rand::rngs::OsRng)?,
        };
        if let Some(gold) = gold {
            add_gold(&mut found, read(gold, &numbers, classes)?, gold)?;
        }
        Ok(found)
    }
}

/// Reads a list of comparisons; none may stand there twice with the same sides.
fn read(path: &Path, numbers: &HashMap<&str, u32>, classes: &[String]) -> Result<Vec<Comparison>> {
    let mut found = Vec::new();
    let mut lines = HashMap::new();
    for (line, row) in lines_of(path)? {
        let place = || format!("{} line {line}", path.display());
        let of = |name: &str| numbers.get(name.trim()).copied().with_context(|| format!("{}: there is no item {name:?}", place()));
        let (left, right) = (of(&row.left)?, of(&row.right)?);
        if left == right {
            bail!("{}: {} is compared with itself", place(), row.left);
        }
        if let Some(before) = lines.insert((left, right), line) {
            bail!("{}: the comparison stands in line {before} already", place());
        }
        let answer = answer_in_cell(row.class.trim(), JobKind::Pairwise, classes).with_context(place)?;
        found.push(Comparison { left, right, gold: answer.as_ref().map(Reply::of).transpose()? });
    }
    Ok(found)
}

/// The lines with their numbers.
fn lines_of(path: &Path) -> Result<Vec<(u64, Line)>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut lines = Vec::new();
    if path.extension().is_some_and(|ending| ending == "jsonl" || ending == "ndjson") {
        for (number, line) in (1_u64..).zip(BufReader::new(File::open(path).with_context(cannot)?).lines()) {
            let line = line.with_context(cannot)?;
            if !line.trim().is_empty() {
                let expected = || format!("{} line {number}: expected {{\"left\": .., \"right\": ..}}", path.display());
                lines.push((number, serde_json::from_str(&line).with_context(expected)?));
            }
        }
        return Ok(lines);
    }
    let mut reader = csv::Reader::from_path(path).with_context(cannot)?;
    for (number, row) in (2_u64..).zip(reader.deserialize()) {
        let expected = || format!("{} line {number}: expected the columns left,right and perhaps class", path.display());
        lines.push((number, row.with_context(expected)?));
    }
    Ok(lines)
}

/// Adds comparisons with known answers to those there are; the sides are those of the gold.
fn add_gold(found: &mut Vec<Comparison>, gold: Vec<Comparison>, path: &Path) -> Result<()> {
    let mut places: HashMap<(u32, u32), usize> = found.iter().enumerate().map(|(i, c)| ((c.left, c.right), i)).collect();
    for one in gold {
        if one.gold.is_none() {
            bail!("{}: a comparison without a class is no gold", path.display());
        }
        let same = places.get(&(one.left, one.right)).or_else(|| places.get(&(one.right, one.left)));
        match same.and_then(|at| found.get_mut(*at)) {
            Some(known) if known.gold.is_some() => bail!("{}: a comparison is known from the list of pairs too", path.display()),
            Some(known) => *known = one,
            None => {
                let _first = places.insert((one.left, one.right), found.len());
                found.push(one);
            }
        }
    }
    Ok(())
}

/// A connected design in which each of `items` is compared `each` times with others, drawn at random: the items stand in a circle in random
/// order, each is compared with its neighbours at distance 1 and at further distances that are drawn. All pairs where there are no more.
/// Sides are drawn too.
fn draw(items: u32, each: u32, rng: &mut impl RngCore) -> Result<Vec<Comparison>> {
    if each < 2 {
        bail!("each item needs at least 2 comparisons for all of them to be ranked; found {each}");
    }
    let mut circle: Vec<u32> = (0..items).collect();
    circle.shuffle(rng);
    // Neighbours at a distance are two for each item; opposite ones, where the number of items is even, one.
    let (whole, is_even) = (items.saturating_sub(1) / 2, items.is_multiple_of(2));
    let has_opposite = is_even && (!each.is_multiple_of(2) || each >= items.saturating_sub(1));
    let wanted = if has_opposite { each / 2 } else { each.div_ceil(2) };
    let mut further: Vec<u32> = (2..=whole).collect();
    further.shuffle(rng);
    further.truncate(usize::try_from(wanted.saturating_sub(1))?);
    let mut found = Vec::new();
    let mut add = |place: u32, distance: u32| {
        let at = |place: u32| circle.get(usize::try_from(place.checked_rem(items)?).ok()?).copied();
        if let Some((a, b)) = at(place).zip(place.checked_add(distance).and_then(at)) {
            let (left, right) = if rng.next_u32() & 1 == 0 { (a, b) } else { (b, a) };
            found.push(Comparison { left, right, gold: None });
        }
    };
    let near = (whole >= 1).then_some(1);
    for distance in near.into_iter().chain(further) {
        (0..items).for_each(|place| add(place, distance));
    }
    if has_opposite {
        (0..items / 2).for_each(|place| add(place, items / 2));
    }
    Ok(found)
}

/// The pair of each task, in order.
fn pairs(mut items: record::Items) -> Result<Vec<(u32, u32)>> {
    let mut pairs = Vec::new();
    while let Some(item) = items.next()? {
        pairs.push(item.pair.context("the job record names no pair for a task")?);
    }
    Ok(pairs)
}

/// The commitment to the pairs of arranged items; none where one is no pair.
pub(crate) fn tree(chain_id: &str, root: &[u8; 32], seed: &[u8; 32], items: &[Item]) -> Option<PairsTree> {
    let pair = |item: &Item| match item.place {
        Place::Pair { left, right } => Some((left, right)),
        Place::Own(_) => None,
    };
    let pairs = items.iter().map(pair).collect::<Option<Vec<_>>>()?;
    Some(PairsTree::new(chain_id, root, seed, &pairs))
}

/// Opens who was compared, chunk by chunk, where it is not open yet.
pub(crate) fn open(rpc: &Rpc, (record, items): (Record, record::Items), job: u64, key: &AccountKey, options: &TxOptions) -> Result<()> {
    let (seed, root, pairs) = (Record::seed(&record.gold_seed)?, Record::seed(&record.manifest_root)?, pairs(items)?);
    let tree = PairsTree::new(&record.chain_id, &root, &seed, &pairs);
    let signer = Signer::new(rpc, key)?;
    for chunk in 0..formats::chunks(record.tasks) {
        let tasks = formats::chunk_tasks(record.tasks, chunk);
        let request = QueryPairsRequest { job, from: tasks.start, limit: 1 };
        let known: QueryPairsResponse = rpc.ask("/cairn.annotation.v1.Query/Pairs", &request)?;
        if known.pairs.iter().any(|pair| tasks.contains(&pair.task)) {
            continue;
        }
        let inside = pairs.get(usize::try_from(tasks.start)?..usize::try_from(tasks.end)?).context("the job record is too short")?;
        let message = MsgOpenPairs {
            sender: key.address().to_string(),
            job,
            seed: seed.to_vec(),
            chunk,
            pairs: inside.iter().map(|(left, right)| Pair { left: *left, right: *right }).collect(),
            path: tree.path(chunk).context("the chunk is beyond the tree")?.iter().map(|h| h.to_vec()).collect(),
        };
        let done = signer.send(vec![pack(&message)], options)?;
        println!("opened who was compared in tasks {tasks:?} in block {}", done.height);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    /// Whether comparisons lead from the first item to all others.
    fn is_connected(items: u32, found: &[Comparison]) -> bool {
        let mut reached = BTreeSet::from([0]);
        loop {
            let before = reached.len();
            for c in found {
                if reached.contains(&c.left) || reached.contains(&c.right) {
                    reached.extend([c.left, c.right]);
                }
            }
            if reached.len() == before {
                return before == items as usize;
            }
        }
    }

    #[test]
    fn a_drawn_design_is_regular_connected_and_without_repetition() {
        let mut rng = StdRng::seed_from_u64(3);
        for (items, each, degree) in
            [(20, 6, 6), (21, 6, 6), (21, 5, 6), (20, 5, 5), (7, 99, 6), (8, 99, 7), (3, 2, 2), (2, 2, 1), (8, 7, 7)]
        {
            let found = draw(items, each, &mut rng).unwrap();
            let of = |n: u32| found.iter().filter(|c| c.left == n || c.right == n).count();
            assert!((0..items).all(|n| of(n) == degree), "{items} items, {each} each");
            assert!(is_connected(items, &found));
            let unordered: BTreeSet<_> = found.iter().map(|c| (c.left.min(c.right), c.left.max(c.right))).collect();
            assert_eq!((unordered.len(), found.iter().any(|c| c.left == c.right)), (found.len(), false));
        }
        assert!(draw(20, 1, &mut rng).is_err());
        let sides = draw(1_000, 6, &mut rng).unwrap().iter().filter(|c| c.left < c.right).count();
        assert!((1_350..1_650).contains(&sides), "sides are drawn: {sides}");
    }

    #[test]
    fn lists_and_gold_name_items() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = HashMap::from([("a", 0), ("b", 1), ("c", 2)]);
        let classes = ["left", "right", "tie"].map(str::to_owned);
        let parse = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            read(&path, &numbers, &classes).map_err(|e| format!("{e:#}"))
        };
        let one = |left, right, class: Option<u16>| Comparison { left, right, gold: class.map(Reply::Class) };
        let listed = parse("pairs.csv", "left,right,class\na,b,\nb,c,tie\n").unwrap();
        assert_eq!(listed, [one(0, 1, None), one(1, 2, Some(2))]);
        assert_eq!(parse("pairs.csv", "left,right\na,b\nb,a\n").unwrap().len(), 2, "both ways is no repetition");
        assert_eq!(parse("pairs.jsonl", "{\"left\":\"c\",\"right\":\"a\",\"class\":\"left\"}\n").unwrap(), [one(2, 0, Some(0))]);
        for (text, why) in [
            ("left,right\na,d\n", "no item \"d\""),
            ("left,right\na,a\n", "with itself"),
            ("left,right\na,b\na,b\n", "line 2 already"),
            ("left,right,class\na,b,better\n", "none of the classes"),
            ("first,right\na,b\n", "expected the columns"),
        ] {
            let error = parse("pairs.csv", text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let mut found = vec![one(0, 1, None), one(1, 2, None)];
        add_gold(&mut found, vec![one(1, 0, Some(1)), one(2, 0, Some(0))], Path::new("gold.csv")).unwrap();
        assert_eq!(found, [one(1, 0, Some(1)), one(1, 2, None), one(2, 0, Some(0))]);
        assert!(add_gold(&mut found, vec![one(0, 1, Some(1))], Path::new("gold.csv")).is_err());
        assert!(add_gold(&mut found, vec![one(2, 1, None)], Path::new("gold.csv")).is_err());
    }
}
