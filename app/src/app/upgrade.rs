//! Planned upgrades at the beginning of a block: carried out, skipped, or the end of this program's work.
use std::path::Path;

use cairn_kernel::{Ctx, Gas, Overlay};
use cairn_proto::cosmos::upgrade::v1beta1::Plan;
use serde_json::json;

use super::{
    App, Fault, Inner,
    committed::Committed,
    events::{Emitted, Origin, from},
    run::contained,
};
use crate::{
    files,
    upgrades::{Upgrade, version, versions},
};

/// What a block has to do about the planned upgrade.
enum Step<'a> {
    /// There is none, or not yet.
    Nothing,
    /// The operator said not to carry it out.
    Skip(Plan),
    /// It is due.
    Run(Plan, &'a Upgrade),
}

impl App {
    /// Whether this program may go on with the chain from here. To be asked before consensus is.
    ///
    /// # Errors
    /// [`Fault::TooEarly`] if it knows the planned upgrade before its time; [`Fault::OtherProgram`] if the state is of other versions and the
    /// next block will not bring it there.
    pub fn ready(&self) -> Result<(), Fault> {
        let Some(tip) = self.0.tip() else { return Ok(()) };
        self.0.read(&tip.next(), |ctx| match self.0.step(ctx) {
            Ok(Step::Run(..)) | Err(Fault::UpgradeNeeded { .. }) => Ok(()),
            Ok(Step::Nothing | Step::Skip(_)) => self.0.same_versions(ctx),
            Err(fault) => Err(fault),
        })
    }

    /// Carries out the upgrade that is due in the next block and drops what it wrote, so that an operator knows beforehand that it succeeds.
    /// Gives its name; `None` if none is due.
    ///
    /// # Errors
    /// [`Fault`], for which the node would stop.
    pub fn rehearse_upgrade(&self) -> Result<Option<String>, Fault> {
        let tip = self.0.need_tip()?;
        let base = Committed::new(self.0.store.view()?);
        let (block, gas) = (tip.next(), Gas::unlimited());
        let name = {
            let mut overlay = Overlay::new(&base);
            let mut ctx = Ctx::new(&mut overlay, &block, &gas, &self.0.router);
            match self.0.step(&ctx)? {
                Step::Run(plan, upgrade) => self.0.migrate(&mut ctx, &plan, upgrade).map(|()| Some(plan.name))?,
                Step::Nothing | Step::Skip(_) => None,
            }
        };
        base.check()?;
        Ok(name)
    }
}

impl Inner {
    /// What stands before everything else in a block.
    pub(super) fn upgrade(&self, ctx: &mut Ctx, events: &mut Vec<Emitted>) -> Result<(), Fault> {
        let step = self.step(ctx);
        if let (Err(Fault::UpgradeNeeded { name, height, info }), Some(path)) = (&step, &self.settings.upgrade_info) {
            announce(path, name, *height, info)?;
        }
        let height = ctx.block().height;
        match step? {
            Step::Nothing => {}
            Step::Skip(Plan { name, info, .. }) => {
                tracing::warn!(target: "consensus", "UPGRADE \"{name}\" SKIPPED at {height}: {info}");
                cairn_upgrade::dismiss(ctx)?;
            }
            Step::Run(plan, upgrade) => {
                tracing::warn!(target: "consensus", "applying upgrade \"{}\" at height: {height}", plan.name);
                self.migrate(ctx, &plan, upgrade)?;
                tracing::warn!(target: "consensus", "upgrade \"{}\" is applied", plan.name);
            }
        }
        events.extend(from(Origin::BeginBlock, ctx.take_events()));
        Ok(())
    }

    /// What the block in `ctx` has to do, by the state before it.
    fn step(&self, ctx: &Ctx) -> Result<Step<'_>, Fault> {
        let Some(plan) = cairn_upgrade::planned(ctx)? else { return Ok(Step::Nothing) };
        let now = ctx.block().height;
        let due = u64::try_from(plan.height).is_ok_and(|height| height <= now);
        let known = self.settings.upgrades.iter().find(|upgrade| upgrade.name == plan.name);
        match (due, known) {
            (true, _) if self.settings.skip_upgrades.contains(&now) => Ok(Step::Skip(plan)),
            (true, Some(upgrade)) => Ok(Step::Run(plan, upgrade)),
            (true, None) => Err(Fault::UpgradeNeeded { name: plan.name, height: plan.height, info: plan.info }),
            (false, Some(_)) => Err(Fault::TooEarly(plan.name)),
            (false, None) => Ok(Step::Nothing),
        }
    }

    /// Brings the state to the versions of `upgrade`, all or nothing: the block's writes are kept as one.
    fn migrate(&self, ctx: &mut Ctx, plan: &Plan, upgrade: &Upgrade) -> Result<(), Fault> {
        let failed = |module: &str, e| Fault::Migration { upgrade: upgrade.name.to_owned(), module: module.to_owned(), error: e };
        let before = self.settings.upgrades.split(|known| known.name == upgrade.name).next().unwrap_or_default();
        for (at, migration) in upgrade.migrations.iter().enumerate() {
            let module = migration.module;
            let steps = upgrade.migrations.iter().take(at).filter(|earlier| earlier.module == module).count();
            let from = version(module, before).saturating_add(u64::try_from(steps).unwrap_or(u64::MAX));
            let found = cairn_upgrade::versions(ctx)?.remove(module).unwrap_or(0);
            if found != from {
                return Err(Fault::OtherProgram(format!(
                    "upgrade {} takes {module} from version {from}, the state has {found}",
                    upgrade.name
                )));
            }
            contained(|| (migration.run)(ctx)).map_err(|e| failed(module, e))?;
            cairn_upgrade::set_version(ctx, module, from.saturating_add(1))?;
        }
        let known = cairn_upgrade::versions(ctx)?;
        for module in self.modules.iter().filter(|module| !known.contains_key(module.name())) {
            contained(|| module.init(ctx, &module.default_genesis())).map_err(|e| failed(module.name(), e))?;
            cairn_upgrade::set_version(ctx, module.name(), version(module.name(), &self.settings.upgrades))?;
        }
        cairn_upgrade::complete(ctx, &plan.name)?;
        self.same_versions(ctx)
    }

    /// Refuses state that a program with other upgrades wrote.
    fn same_versions(&self, ctx: &Ctx) -> Result<(), Fault> {
        let applied = cairn_upgrade::applied(ctx)?;
        let last = applied.iter().max_by_key(|(_, height)| **height).map(|(name, _)| name);
        if let Some(name) = last.filter(|name| self.settings.upgrades.iter().all(|known| known.name != **name)) {
            return Err(Fault::OtherProgram(format!(
                "the chain went through upgrade {name}, which this program does not know; run that upgrade's program"
            )));
        }
        let (found, own) = (cairn_upgrade::versions(ctx)?, versions(&self.modules, &self.settings.upgrades));
        let other = found.iter().find(|(name, version)| own.get(*name) != Some(version));
        let other = other.map(|(name, _)| name).or_else(|| own.keys().find(|name| !found.contains_key(*name)));
        match other {
            None => Ok(()),
            Some(name) => {
                let [found, own] = [&found, &own].map(|versions| versions.get(name).copied().unwrap_or(0));
                Err(Fault::OtherProgram(format!(
                    "the state has module {name} in version {found}, this program in version {own}; run the other one"
                )))
            }
        }
    }
}

/// Writes down what the supervisor has to bring, whole or not at all.
fn announce(path: &Path, name: &str, height: i64, info: &str) -> Result<(), Fault> {
    let mut plan = json!({ "name": name, "height": height });
    if let Some(plan) = plan.as_object_mut().filter(|_| !info.is_empty()) {
        plan.insert("info".to_owned(), json!(info));
    }
    files::write_atomically(path, plan.to_string().as_bytes(), 0o644).map_err(|e| Fault::Announce(format!("{e:#}")))
}
