"""Google Cloud Firestore as the store: for a server without a disk of its own, or several servers of one study.

A document lies at PREFIX/KIND/quiz-documents/ID: one collection a kind, all with one collection id, so that a single
entry of `firestore.indexes.json` keeps them out of the indexes. It has two fields, both text:

- `body`: the JSON. As one text it comes back exactly as it went in, which Firestore's own types don't promise (lists in
  lists, the order of keys, integers over 64 bit, names like `__x__`), and the copy in another store is the same text.
- `write`: a random name of the write. A writer whose reply got lost finds out by it that the write had arrived, so
  that a create or an update happens once, however often it had to be tried.

No transactions: a create has the precondition that there is nothing, an update that nothing changed since it was read.
A transaction would cost the same and lock others out for as long as it waits.
"""

import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import google.auth
import grpc
from google.api_core import exceptions as errors
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from .. import ROOT
from . import StoreError
from .attempts import Attempt, attempts, first_line

PAGE = 300  # documents a query, which is what a scan holds in memory
COLLECTION = "quiz-documents"
EMULATOR_OWNER = [("authorization", "Bearer owner")]  # how the emulator knows a server, which no rules bind
SCOPES = ["https://www.googleapis.com/auth/datastore"]
CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),  # a line that died unnoticed is found
    # gRPC alone would wait up to two minutes before it looks whether the service is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
    ("grpc.max_receive_message_length", -1),
]
Query = types.StructuredQuery


def open_firestore() -> "FirestoreStore":
    """The store that Google's own environment variables name; FIRESTORE_PREFIX keeps several apart in one database.

    Asks nothing of the network, except where credentials come from the machine itself (Cloud Run and the like).
    """
    prefix = os.environ.get("FIRESTORE_PREFIX", "panodiff")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", prefix):
        raise StoreError(f"FIRESTORE_PREFIX={prefix} can't be used: give up to 40 of a-z, 0-9 and -.")
    emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    credentials, project = (None, None) if emulator else _credentials()
    project = os.environ.get("GOOGLE_CLOUD_PROJECT") or project
    if not project:
        raise StoreError("STORE=firestore needs a Google Cloud project: set GOOGLE_CLOUD_PROJECT to its id.")
    if emulator:
        return FirestoreStore(project, prefix, lambda: grpc.insecure_channel(emulator, CHANNEL_OPTIONS), EMULATOR_OWNER)
    return FirestoreStore(
        project, prefix, lambda: FirestoreGrpcTransport.create_channel(credentials=credentials, options=CHANNEL_OPTIONS)
    )


def _credentials() -> tuple[Credentials, str | None]:
    file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if file and Path(file).resolve().is_relative_to(ROOT):
        raise StoreError(
            f"The credentials {Path(file).name} lie inside the project's folder, where they could be committed: "
            "move them elsewhere and set GOOGLE_APPLICATION_CREDENTIALS to the new place."
        )
    try:
        return google.auth.default(scopes=SCOPES)
    except GoogleAuthError as error:
        raise StoreError(
            f"STORE=firestore needs Google credentials, as in GOOGLE_APPLICATION_CREDENTIALS: {first_line(error)}"
        ) from error


class FirestoreStore:
    """`Store` on Firestore. Safe for any number of threads, processes and machines.

    Connects at its first use: gRPC does not survive the fork by which a server makes its workers.
    """

    def __init__(
        self, project: str, prefix: str, connect: Callable[[], grpc.Channel], metadata: Iterable[tuple[str, str]] = ()
    ):
        self._database = f"projects/{project}/databases/(default)"
        self._root = f"{self._database}/documents/{prefix}"
        self._metadata = [("google-cloud-resource-prefix", self._database), *metadata]
        self._connect = connect
        self._lock = threading.Lock()
        self._client: FirestoreClient | None = None

    def get(self, kind: str, key: str) -> dict | None:
        for attempt in attempts():
            with attempt:
                found = self._find(kind, key, attempt)
                return None if found is None else _body(found)

    def create(self, kind: str, key: str, document: dict) -> bool:
        new = _document(document, secrets.token_hex(8))
        request = types.CreateDocumentRequest(
            parent=f"{self._root}/{kind}", collection_id=COLLECTION, document_id=document_id(key), document=new
        )
        for attempt in attempts():
            with attempt:
                try:
                    self._call("create_document", request, attempt)
                    return True
                except errors.AlreadyExists:
                    return attempt.number > 1 and _same_write(self._find(kind, key, attempt), new)

    def update(self, kind: str, key: str, change: Callable[[dict | None], dict | None]) -> dict | None:
        write = secrets.token_hex(8)
        for attempt in attempts():
            found = None
            with attempt:
                found = self._find(kind, key, attempt)
                if found is not None and found.fields["write"].string_value == write:
                    return _body(found)
            if attempt.failed:
                continue
            new = change(None if found is None else _body(found))
            if new is None:
                return None
            with attempt:
                self._replace(self._name(kind, key), _document(new, write), found, attempt)
                return new

    def delete(self, kind: str, key: str) -> None:
        for attempt in attempts():
            with attempt:
                self._call("delete_document", types.DeleteDocumentRequest(name=self._name(kind, key)), attempt)
                return

    def scan(self, kind: str, prefix: str = "") -> Iterator[tuple[str, dict]]:
        after = None
        while True:
            page = self._page(kind, prefix, after)
            for document in page:
                yield document_key(document.name.rpartition("/")[2]), _body(document)
            if len(page) < PAGE:
                return
            after = page[-1].name

    def count(self, kind: str, prefix: str = "") -> int:
        counted = types.StructuredAggregationQuery.Aggregation(alias="n", count={})
        query = types.StructuredAggregationQuery(structured_query=self._query(kind, prefix), aggregations=[counted])
        request = types.RunAggregationQueryRequest(parent=f"{self._root}/{kind}", structured_aggregation_query=query)
        for attempt in attempts():
            with attempt:
                # Some replies may only tell of progress, here as in a query.
                results = [
                    reply.result.aggregate_fields for reply in self._call("run_aggregation_query", request, attempt)
                ]
                return sum(fields["n"].integer_value for fields in results if fields)

    def _find(self, kind: str, key: str, attempt: Attempt) -> types.Document | None:
        # Not get_document, which says the same of a missing document and of a missing database.
        request = types.BatchGetDocumentsRequest(database=self._database, documents=[self._name(kind, key)])
        replies = self._call("batch_get_documents", request, attempt)
        return next((reply.found for reply in replies if "found" in reply), None)

    def _replace(self, name: str, new: types.Document, old: types.Document | None, attempt: Attempt) -> None:
        """Write if the stored document is still `old`."""
        new.name = name
        unchanged = {"exists": False} if old is None else {"update_time": old.update_time}
        request = types.UpdateDocumentRequest(document=new, current_document=types.Precondition(**unchanged))
        self._call("update_document", request, attempt)

    def _page(self, kind: str, prefix: str, after: str | None) -> list[types.Document]:
        query = self._query(kind, prefix, after)
        query.limit = PAGE
        request = types.RunQueryRequest(parent=f"{self._root}/{kind}", structured_query=query)
        for attempt in attempts():
            with attempt:
                replies = self._call("run_query", request, attempt)
                return [reply.document for reply in replies if reply.document.name]

    def _query(self, kind: str, prefix: str, after: str | None = None) -> types.StructuredQuery:
        """The documents whose key begins with the prefix and whose name comes behind `after`, in order."""
        first = document_id(prefix)
        behind = first[:-1] + chr(ord(first[-1]) + 1)  # comes after everything that begins with `first`
        folder = f"{self._root}/{kind}/{COLLECTION}"
        name = Query.FieldReference(field_path="__name__")
        begin = ("GREATER_THAN", after) if after else ("GREATER_THAN_OR_EQUAL", f"{folder}/{first}")
        filters = [
            Query.Filter(field_filter={"field": name, "op": operator, "value": {"reference_value": value}})
            for operator, value in (begin, ("LESS_THAN", f"{folder}/{behind}"))
        ]
        return Query(
            from_=[Query.CollectionSelector(collection_id=COLLECTION)],
            where=Query.Filter(composite_filter=Query.CompositeFilter(op="AND", filters=filters)),
            order_by=[Query.Order(field=name)],
        )

    def _name(self, kind: str, key: str) -> str:
        return f"{self._root}/{kind}/{COLLECTION}/{document_id(key)}"

    def _call(self, method: str, request: object, attempt: Attempt):
        call = getattr(self._service(), method)
        return call(request, timeout=attempt.seconds_left, retry=None, metadata=self._metadata)

    def _service(self) -> FirestoreClient:
        with self._lock:
            if self._client is None:
                self._client = FirestoreClient(transport=FirestoreGrpcTransport(channel=self._connect()))
            return self._client


def document_id(key: str) -> str:
    """The key as a document id that sorts as the key does.

    An id may hold anything but "/", which becomes "._"; "." becomes ".-" to stay different and in order. The "=" before
    it all makes the ids legal that would not be: an empty one, "." and "..", and `__x__`.
    """
    return "=" + key.replace(".", ".-").replace("/", "._")


def document_key(identifier: str) -> str:
    return identifier[1:].replace("._", "/").replace(".-", ".")


def _document(document: dict, write: str) -> types.Document:
    body = json.dumps(document, separators=(",", ":"))
    return types.Document(fields={"body": {"string_value": body}, "write": {"string_value": write}})


def _body(document: types.Document) -> dict:
    return json.loads(document.fields["body"].string_value)


def _same_write(found: types.Document | None, written: types.Document) -> bool:
    return found is not None and found.fields["write"] == written.fields["write"]
