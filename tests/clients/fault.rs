//! The faults: one word each, one small change of the honest behaviour each.

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident = $word:literal,)*) => {
        /// What may go wrong on purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { $($(#[$doc])* $fault,)* }

        impl Fault {
            /// Whether it takes several questions at once.
            pub(crate) const fn takes_several(self) -> bool {
                matches!(
                    self,
                    Self::TakesSeveral | Self::TakesSeveralAndDies | Self::TakesSeveralAndHangs
                )
            }

            /// The fault of that word.
            pub(crate) fn named(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$fault),)* _ => None }
            }
        }
    };
}

faults! {
    // Secrets: each shows where the server answers `N`, unless it says otherwise.
    /// Logs in unencrypted although encryption was demanded.
    FallsBack = "falls-back",
    /// Sends the password, base64, where no message belongs.
    LeaksBase64 = "leaks-base64",
    /// Sends the password, hexadecimal, where no message belongs.
    LeaksHex = "leaks-hex",
    /// Shows the password in `application_name`, and leaves.
    LeaksInApplicationName = "leaks-in-application-name",
    /// Shows the MD5 that PostgreSQL stores, and leaves.
    LeaksMd5 = "leaks-md5",
    /// Shows the password as the key of a CancelRequest.
    LeaksInCancel = "leaks-in-cancel",
    /// Sends the password as the first SASL message.
    LeaksInSasl = "leaks-in-sasl",
    /// Rejected inside TLS, tries again without.
    LeaksAfterAuthfail = "leaks-after-authfail",
    /// Once everything went well, logs in again unencrypted.
    LeaksAfterwards = "leaks-afterwards",
    /// Writes the password past the TLS session.
    LeaksBesideTls = "leaks-beside-tls",
    /// Names its user before it asks for TLS.
    StartsInClear = "starts-in-clear",
    /// Gives TLS up, and goes on with the socket it has.
    FallsBackOnTheSameConnection = "falls-back-on-the-same-connection",
    /// Says that it failed, and a moment later logs in unencrypted.
    LeaksBehindItsAnswer = "leaks-behind-its-answer",
    /// Cancels without TLS.
    CancelsInClear = "cancels-in-clear",

    // Trust.
    /// Verifies nothing.
    AcceptsAnyCertificate = "accepts-any-certificate",
    /// Verifies the chain and no name.
    AcceptsAnyName = "accepts-any-name",
    /// Does not look at dates.
    IgnoresExpiry = "ignores-expiry",
    /// Verifies the name and no chain.
    IgnoresAuthority = "ignores-authority",
    /// Does not look at the extended key usage.
    IgnoresUsage = "ignores-usage",
    /// Does not look at the revocation list.
    IgnoresRevocation = "ignores-revocation",
    /// Without a root file, trusts everybody.
    TrustsWithoutRoot = "trusts-without-root",
    /// Takes the common name although a SAN is there.
    MatchesCnBesideSan = "matches-cn-beside-san",
    /// A wildcard stands for any number of labels.
    WildcardSpansLabels = "wildcard-spans-labels",

    // What comes before TLS.
    /// Takes it for session data.
    TakesStuffedBytes = "takes-injected-bytes",
    /// Takes it for session data at once, without TLS.
    TakesStuffedBytesInClear = "takes-injected-bytes-in-clear",
    /// Takes it for session data, and leaves without a query.
    TakesStuffedBytesAndLeaves = "takes-injected-bytes-and-leaves",
    /// The same, long after it was asked for its password.
    TakesStuffedBytesLateAndLeaves = "takes-injected-bytes-late-and-leaves",
    /// Shows the application the server's unencrypted error.
    ShowsServerText = "shows-server-text",
    /// The same in capitals, with escapes in between.
    ShowsServerTextDressed = "shows-server-text-dressed",
    /// The same as the numbers of its bytes.
    ShowsServerTextAsNumbers = "shows-server-text-as-numbers",
    /// Shows it on stderr only, which is no fault.
    LogsServerText = "logs-server-text",

    // Channel binding.
    /// Sends a password although binding was demanded.
    DropsBinding = "drops-binding",
    /// Takes SCRAM-SHA-256 although -PLUS was demanded.
    DropsPlus = "drops-plus",
    /// Binds by SHA-256 where the certificate names no hash, which is refused and drops nothing.
    BindsByAnotherHash = "binds-by-another-hash",

    // SCRAM.
    /// Does not look at the server's signature.
    TakesAnySignature = "takes-any-signature",
    /// Takes AuthenticationOk in place of the server's signature.
    TakesNoSignature = "takes-no-signature",

    // Lies.
    /// Says it is connected, and never asked.
    ConnectsInWords = "connects-in-words",
    /// Answers another number.
    WrongNumber = "wrong-number",
    /// Says it failed, after the query.
    FailsAfterQuery = "fails-after-query",
    /// Says TLS over plaintext.
    ClaimsTls = "claims-tls",
    /// Says `unsupported` after it connected.
    UnsupportedAfterwards = "unsupported-afterwards",

    // Other paths.
    /// Opens twenty connections.
    Storms = "storms",
    /// Tries each method twice.
    RetriesTooMuch = "retries-too-much",
    /// Tries one method only.
    NeverRetries = "never-retries",

    // The process: these show under sslmode=require alone, so that the other cells of a run tell
    // whether the damage stayed where it was done.
    /// Never answers.
    Hangs = "hangs",
    /// Answers after the deadline.
    AnswersLate = "answers-late",
    /// Ends instead of answering.
    Dies = "dies",
    /// Ends right behind its answer.
    DiesAfterwards = "dies-afterwards",
    /// Ends a moment behind its answer.
    DiesInAMoment = "dies-in-a-moment",
    /// Is killed by a signal when its stdin ends.
    DiesAtTheEnd = "dies-at-the-end",
    /// Ends with another status than 0 when its stdin ends.
    FailsAtTheEnd = "fails-at-the-end",
    /// Ends when it hears the next question.
    DiesLater = "dies-later",
    /// Panics.
    Panics = "panics",
    /// Panics in a thread, and answers that it failed.
    SurvivesPanic = "survives-panic",
    /// Answers what is no JSON.
    PrintsRubbish = "prints-rubbish",
    /// Answers JSON that is not the contract's.
    PrintsOtherJson = "prints-other-json",
    /// Prints what is no JSON when it hears the next question.
    PrintsRubbishLater = "prints-rubbish-later",
    /// Prints what is no JSON when its stdin ends.
    PrintsRubbishAtTheEnd = "prints-rubbish-at-the-end",
    /// Leaves a line unfinished behind its answer.
    LeavesHalfALine = "leaves-half-a-line",
    /// Answers twice at once.
    AnswersTwice = "answers-twice",
    /// Answers again when it hears the next question.
    AnswersTwiceLater = "answers-twice-later",
    /// Answers without end.
    FloodsAnswers = "floods-answers",
    /// Answers one line without end.
    FloodsBytes = "floods-bytes",
    /// Answers another question.
    WrongId = "wrong-id",
    /// Answers, and hears no more questions.
    ClosesStdin = "closes-stdin",
    /// Closes its stdout, and lives.
    ClosesStdout = "closes-stdout",
    /// Answers, and never looks at another question.
    StopsListening = "stops-listening",
    /// Ends, and leaves a child that holds its stdout.
    LeavesAChild = "leaves-a-child",
    /// Starts a process in a session of its own, and hangs.
    LeavesADaemon = "leaves-a-daemon",
    /// The same, with an environment of its own.
    LeavesABareDaemon = "leaves-a-bare-daemon",
    /// Never answers, and never rests.
    LoopsBusily = "loops-busily",
    /// Works for more than a second before it connects.
    WorksHard = "works-hard",
    /// Has a child do so.
    HasAChildWorkHard = "has-a-child-work-hard",
    /// Takes hundreds of megabytes, and gives them back.
    TakesMuchMemory = "takes-much-memory",
    /// Ends in the middle of its answer.
    DiesWithinItsAnswer = "dies-within-its-answer",
    /// Hears no more questions, and answers this one.
    ClosesStdinBeforeItsAnswer = "closes-stdin-before-its-answer",
    /// Never answers, and talks on stderr without end.
    FloodsStderr = "floods-stderr",
    /// Starts such a process, and ends.
    LeavesAnOrphan = "leaves-an-orphan",

    // No faults at all: each is unusual, and within the contract.
    /// Asks for GSS encryption before it asks for TLS.
    AsksForGssFirst = "asks-for-gss-first",
    /// Answers with its keys in another order, and with keys of its own.
    AnswersInAnotherOrder = "answers-in-another-order",
    /// Does not tell whether there was TLS.
    KeepsTlsToItself = "keeps-tls-to-itself",
    /// Says much on stderr.
    Chatters = "chatters",
    /// Works for more than a second and takes hundreds of megabytes when it is asked for the first time.
    WarmsUp = "warms-up",
    /// Leaves its connection open behind its answer.
    LeavesItsConnectionOpen = "leaves-its-connection-open",
    /// Answers behind the timeout and before the deadline.
    AnswersSlowly = "answers-slowly",

    // Several questions at once.
    /// Takes eight at once, and answers them as they come to an end.
    TakesSeveral = "takes-several",
    /// The same, and ends under sslmode=require, whatever else it was asked.
    TakesSeveralAndDies = "takes-several-and-dies",
    /// The same, and never answers under sslmode=require.
    TakesSeveralAndHangs = "takes-several-and-hangs",

    // The first questions.
    /// Says it is connected with sslmode=nonsense.
    SaysYesToNonsense = "says-yes-to-nonsense",
    /// Says ahead of time that it failed, and then yes to sslmode=nonsense.
    RefusesNonsenseAheadOfTime = "refuses-nonsense-ahead-of-time",
    /// Connects with sslmode=nonsense, and says it failed.
    ConnectsOnNonsense = "connects-on-nonsense",
    /// Speaks contract 2.
    SpeaksAnotherContract = "speaks-another-contract",
    /// Fails before it connects, whatever it is asked.
    NeverConnects = "never-connects",
    /// Begins with what is no JSON.
    BreaksHello = "breaks-hello",
}
