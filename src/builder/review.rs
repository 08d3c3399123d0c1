//! Everything that is wrong with a package, where `build` stops at the first fault.

use std::collections::BTreeSet;
use std::ffi::OsString;

use crate::error::Result;
use crate::files::Dir;
use crate::findings::{Faults, Warnings};
use crate::formats::advice;
use crate::formats::connection::Draft;
use crate::formats::meta_inf::{self, Outside};
use crate::formats::metadata::Metadata;
use crate::formats::template::Config;
use crate::formats::values::Values;
use crate::layout::{CONNECTION, META_INF, METADATA};

/// What a package's author should know.
#[derive(Default)]
pub struct Review {
    /// metadata.json, unless it cannot be read.
    pub metadata: Option<Metadata>,
    /// The values of connection.json, as far as they are known.
    pub values: Option<Values>,
    /// The keys of the config that the templates look up, if there is no config.
    pub keys: BTreeSet<String>,
    pub faults: Faults,
    /// Why the command `package` refuses the content, although a peer does not.
    pub unpackable: Faults,
    /// What is not published, and other warnings.
    pub warnings: Warnings,
    /// What else is in the package's folder.
    pub outside: Outside,
}

/// Reviews the package in `source` and `metadata`, which may be one directory.
pub fn review(source: &Dir, metadata: &Dir, config: Option<OsString>) -> Result<Review> {
    let mut review = Review::default();
    let (faults, mut of_metadata) = (&mut review.faults, Vec::new());
    if let Some(content) = faults.take_refusal(METADATA, metadata.read_needed(METADATA))? {
        let collect = |faults: &mut Faults| Metadata::collect(&content, faults);
        review.metadata = faults.in_file(METADATA, collect);
        of_metadata = Metadata::warnings(&content);
    }
    let is_foreign = review
        .metadata
        .as_ref()
        .is_some_and(|found| !found.is_ours());
    if is_foreign && source.look_up(CONNECTION)?.is_none() {
        // Nothing else in it follows our rules.
        return Ok(review);
    }
    if let Some(content) = faults.take_refusal(CONNECTION, Draft::content(source))? {
        let config = faults.take_refusal("", Config::read(config))?;
        review.review_connection(&content, config.as_ref());
    }
    // Those of connection.json come first.
    review.warnings.extend(of_metadata);
    review.review_tree(source)?;
    Ok(review)
}

impl Review {
    fn review_connection(&mut self, content: &[u8], config: Option<&Config>) {
        self.faults.in_file(CONNECTION, |faults| {
            let draft = Draft::collect(content, faults);
            let Some((draft, warnings)) = faults.take(draft) else {
                return;
            };
            // The first warnings of all.
            self.warnings = warnings;
            self.warnings.extend(advice::of_private_key(content));
            // One line about the config says more than a fault of each template that it does not fill
            // in, so only what is known without one counts then.
            let needs_values = config.is_some_and(Config::is_unset) && draft.needs_values();
            if needs_values {
                self.keys = draft.keys();
            }
            self.values = Some(draft.review(config.filter(|_| !needs_values), faults));
            // What `package` checks: it knows no config.
            self.unpackable.in_file(CONNECTION, |unpackable| {
                draft.review_branches(unpackable);
            });
        });
    }

    fn review_tree(&mut self, source: &Dir) -> Result<()> {
        let tree = meta_inf::find(source);
        let tree = self.faults.take_refusal(META_INF, tree)?.flatten();
        if let Some(tree) = &tree {
            let (warnings, faults) = (&mut self.warnings, &mut self.faults);
            let read = meta_inf::review(tree, warnings, faults, &mut self.unpackable);
            self.faults.take_refusal(META_INF, read)?;
        }
        self.outside = meta_inf::outside(source, tree.as_ref())?;
        for found in self.outside.misplaced.drain(..) {
            if meta_inf::holds_json(source, found.file.as_deref().unwrap_or_default()) {
                self.warnings.push_misplaced(found);
            } else {
                self.warnings.push(found);
            }
        }
        Ok(())
    }
}
