//! What is known of a connection.json without a config, checked by the peer's rules.

use anyhow::Context;

use super::super::template::{Config, Origin, Template};
use super::super::values::{Value, Values};
use super::{Draft, Field};
use crate::findings::Faults;

impl Draft {
    /// The values as far as they are known, after a check by the peer's rules. Where the config is
    /// not known (`None`, which is not the same as an empty one), what needs none of its keys still
    /// is.
    pub(crate) fn review(&self, config: Option<&Config>, faults: &mut Faults) -> Values {
        let unset = Config::default();
        let own = |field: &Field| config.or((!field.has_keys()).then_some(&unset));
        let values = self.values(&own, faults);
        values.check(faults);
        values
    }

    /// Like [`Draft::review`] without a config, but also checks each branch of a template that is
    /// plain text as if it were the field's value.
    pub(crate) fn review_branches(&self, faults: &mut Faults) -> Values {
        let values = self.review(None, faults);
        self.check_branches(faults);
        values
    }

    /// Whether a template cannot be filled in without a value of the config.
    pub(crate) fn needs_values(&self) -> bool {
        let unset = Config::default();
        let needs = |template: &Template| template.render(&unset).is_err();
        self.templates()
            .any(|template| !template.keys().is_empty() && needs(template))
    }

    fn check_branches(&self, faults: &mut Faults) {
        let known = |(name, field): &(_, Field)| match field {
            Field::Value(value @ Value::Boolean(_)) => (*name, value.clone()),
            _ => (*name, Value::Unknown),
        };
        let mut values = Values(self.0.iter().map(known).collect());
        for (name, field) in &self.0 {
            let template = field.template().filter(|template| !template.is_text());
            for text in template.map(Template::texts).unwrap_or_default() {
                let origin = Origin::written(&text);
                let value = faults.take(field.of_text(text, origin).context(*name));
                values.set(name, value.unwrap_or(Value::Unknown));
                values.check(faults);
                values.set(name, Value::Unknown);
            }
        }
    }
}
