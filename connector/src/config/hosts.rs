//! The host list.

use std::net::SocketAddr;

use super::reader::Reader;
use super::redact::shown;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::names;

/// The host list: `host`, `hostaddr` and `port` side by side, one port enough for all.
pub(super) fn endpoints(read: &Reader<'_>) -> Result<Vec<Endpoint>, Error> {
    let (hosts, addresses, ports) = (read.list("host"), read.list("hostaddr"), read.list("port"));
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(Error::configuration(format!(
            "could not match {} host names to {} hostaddr values",
            hosts.len(),
            addresses.len()
        )));
    }
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(Error::configuration("no host is given: set host or hostaddr"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::configuration(format!(
            "could not match {} port numbers to {count} hosts",
            ports.len()
        )));
    }
    (0..count)
        .map(|index| {
            let name = hosts.get(index).cloned().unwrap_or_default();
            let port =
                parse_port(ports.get(index).or_else(|| ports.first()).map_or("", String::as_str))?;
            match addresses.get(index).filter(|address| !address.is_empty()) {
                Some(address) => {
                    let address = names::parse_ip(address).ok_or_else(|| {
                        Error::configuration(format!(
                            "hostaddr must be a numeric IP address, not {}",
                            shown(address)
                        ))
                    })?;
                    Ok(Endpoint::by_name(name, port).at(SocketAddr::new(address, port)))
                }
                None if name.starts_with('/') => Ok(Endpoint::in_folder(name, port)),
                None if name.starts_with('@') => Err(Error::configuration(
                    "Unix sockets in the abstract namespace are not supported",
                )),
                None if name.is_empty() => Err(Error::configuration("a host in the list is empty")),
                None => Ok(Endpoint::by_name(name, port)),
            }
        })
        .collect()
}

fn parse_port(text: &str) -> Result<u16, Error> {
    match text.trim() {
        "" => Ok(5432),
        text => text
            .parse()
            .ok()
            .filter(|&port| port > 0)
            .ok_or_else(|| Error::configuration("port must be a number from 1 to 65535")),
    }
}
