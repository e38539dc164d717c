//! The faults: one small change of right behaviour each.

use pgtls_conformance::judge::Invariant;

/// What may be broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Logs in without TLS where TLS fails, although it was demanded.
    FallsBack,
    /// Names its user to a server that has no TLS, although TLS was demanded, and leaves.
    NamesItself,
    /// Cancels without TLS what it began over TLS.
    CancelsInClear,
    /// Verifies no chain.
    SkipsTheChain,
    /// Verifies no name.
    SkipsTheName,
    /// Takes what follows the `S` in clear for session data.
    TakesBytesBehindS,
    /// Shows the application the text of an ErrorResponse that comes instead of `S`.
    ShowsServerText,
    /// Goes on without channel binding where the server offers none, although it was demanded.
    DropsTheBinding,
    /// Waits for its server without end.
    HasNoTimeout,
    /// Panics over a message whose length does not even count itself.
    SubtractsFromTheLength,
    /// Where it fails, tries again at once, and again.
    Storms,
    /// Says TLS of every connection.
    ClaimsTls,
    /// Takes every signature of SCRAM for the server's.
    TakesAnySignature,
    /// Takes AuthenticationOk for the end of SCRAM, whatever is still to come.
    TakesAnEarlyEnd,
    /// Makes room for as many bytes as a message announces.
    TrustsTheLength,
    /// Does as many iterations as the server wants.
    CountsWithoutBound,
    /// Looks up values by the columns that RowDescription announced.
    TrustsTheColumns,
}

impl Fault {
    /// Every fault.
    pub(crate) const ALL: [Self; 17] = [
        Self::FallsBack,
        Self::NamesItself,
        Self::CancelsInClear,
        Self::SkipsTheChain,
        Self::SkipsTheName,
        Self::TakesBytesBehindS,
        Self::ShowsServerText,
        Self::DropsTheBinding,
        Self::HasNoTimeout,
        Self::SubtractsFromTheLength,
        Self::Storms,
        Self::ClaimsTls,
        Self::TakesAnySignature,
        Self::TakesAnEarlyEnd,
        Self::TrustsTheLength,
        Self::CountsWithoutBound,
        Self::TrustsTheColumns,
    ];

    /// What it breaks, whatever else it may break beside.
    pub(crate) const fn breaks(self) -> Invariant {
        match self {
            Self::FallsBack => Invariant::PlaintextPassword,
            Self::NamesItself => Invariant::PlaintextStartup,
            Self::CancelsInClear => Invariant::PlaintextCancel,
            Self::SkipsTheChain => Invariant::UnverifiedChain,
            Self::SkipsTheName => Invariant::UnverifiedName,
            Self::TakesBytesBehindS => Invariant::InjectedPlaintext,
            Self::ShowsServerText => Invariant::SpoofedError,
            Self::DropsTheBinding => Invariant::BindingDropped,
            Self::HasNoTimeout => Invariant::Hang,
            Self::SubtractsFromTheLength | Self::TrustsTheColumns => Invariant::Crash,
            Self::Storms => Invariant::Storm,
            Self::ClaimsTls => Invariant::Dishonest,
            Self::TakesAnySignature | Self::TakesAnEarlyEnd => Invariant::ServerUnproven,
            Self::TrustsTheLength => Invariant::Memory,
            Self::CountsWithoutBound => Invariant::Busy,
        }
    }
}
