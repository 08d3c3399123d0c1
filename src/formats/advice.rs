//! What the author of a connection.json should know of its place and of the server's name.

use super::tls;
use super::values::Values;
use crate::files::Dir;
use crate::layout::{CODE, CONNECTION, META_INF};
use crate::text::plural;

/// Why connection.json is not in `dir`: it is in another place, perhaps.
pub fn of_other_places(dir: &Dir) -> String {
    let mut places = Vec::new();
    // It is missing anyway, so whatever ends the search early does not matter.
    let _ = dir.walk_all(|dir, files| {
        let found = files
            .iter()
            .filter(|file| file.name.eq_ignore_ascii_case(CONNECTION));
        places.extend(found.map(|file| dir.relative(&file.name)));
        Ok(())
    });
    let found = match &places[..] {
        [] => return format!("{CONNECTION} not found"),
        [one] => format!("{one}: move it"),
        [first, rest @ ..] => {
            let others = plural(rest.len(), "other", "others");
            format!(
                "{first} and {others}: move one, with templates for what differs between peers,"
            )
        }
    };
    format!("{CONNECTION} not found, but {found} to the top of {CODE}, beside {META_INF}")
}

/// A warning where the server's certificate is for another name than the peer looks for, or seems
/// to be. `host` is that of the address.
pub fn of_server_name(values: &Values, host: &str) -> Option<String> {
    if !values.is("tls_required") {
        return None;
    }
    let domain = values
        .text("domain")
        .filter(|domain| values.is("client_auth_required") && !domain.text.is_empty());
    let name = domain.map_or(host, |domain| &domain.text);
    let root_cert = &values.text("root_cert")?.text;
    let what = match (tls::is_for(root_cert, name), domain) {
        (Some(true), _) | (None, None) => return None,
        (Some(false), None) => {
            "root_cert: is the server's own certificate, and not for the host of address: the peer \
             will refuse it"
                .to_owned()
        }
        (Some(false), Some(domain)) => format!(
            "domain: the server's own certificate, in root_cert, is not for {}: from Fabric 3.0 on \
             the peer will refuse it",
            domain.shown
        ),
        (None, Some(_)) if name.eq_ignore_ascii_case(host) => return None,
        (None, Some(domain)) => format!(
            "domain: {} is not the host of address; from Fabric 3.0 on the server's certificate \
             must be for it, before that for the host",
            domain.shown
        ),
    };
    Some(format!("{CONNECTION}: {what}"))
}
