#!/usr/bin/env bash
# Plays a conversation of two people over plain HTTP: curl, and no client library. Every answer is checked; the first
# that is not as expected ends the script with exit code 1.
#
#   npm start                    in one terminal
#   scripts/conversation.sh      in another one; ROOMLOG=http://… if the server is elsewhere
set -euo pipefail

service=${ROOMLOG:-http://127.0.0.1:8080}
order=$(date +%s)-$((RANDOM % 900 + 100)) # a new one each time, since a key has one room
directory=$(mktemp -d)
answer= feed= steps=0 shown=0
trap 'stop_following; rm -rf "$directory"' EXIT

step() { printf '\n%s. %s\n' $((++steps)) "$1"; }

# For people: without the times of creation and change, and without the kind, as all are messages of users.
show() { sed -E 's/"(createdAt|updatedAt|kind)":"[^"]*",?//g; s/,}/}/g; '"s/^/  $1 /"; }

fail() {
  printf '\nFAILED: %s\n' "$1" >&2
  exit 1
}

# An RPC is a POST of JSON.
call() {
  printf '  > %s %s\n' "$1" "$2"
  answer=$(curl -sS -H 'content-type: application/json' -d "$2" "$service/chat_grpc.ChatService/$1")
  show '<' <<<"$answer"
}

expect() {
  local part
  for part; do [[ $answer == *"$part"* ]] || fail "the answer has no $part"; done
}

expect_no() { [[ $answer != *"$1"* ]] || fail "the answer has $1"; }

# The first value of a field in the answer.
field() {
  [[ $answer =~ \"$1\":\"([^\"]*)\" ]] || fail "the answer has no $1"
  printf '%s' "${BASH_REMATCH[1]}"
}

# A stream's messages travel in envelopes, both ways: a byte of flags, four of length, the message.
envelope() {
  local n=${#1}
  # shellcheck disable=SC2059
  printf "$(printf '\\000\\%03o\\%03o\\%03o\\%03o' $((n >> 24)) $((n >> 16 & 255)) $((n >> 8 & 255)) $((n & 255)))"
  printf '%s' "$1"
}

# Writes the message of each envelope on a line.
open_envelopes() {
  local head message
  while head=($(dd bs=1 count=5 2>/dev/null | od -An -tu1)) && ((${#head[@]} == 5)); do
    message=$(dd bs=1 count=$((head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4])) 2>/dev/null)
    printf '%s\n' "$message"
  done
}

# Opens a stream in the background.
follow() {
  printf '  > StreamEvents %s\n' "$1"
  shown=0
  : >"$directory/events"
  envelope "$1" | curl -sSN -H 'content-type: application/connect+json' --data-binary @- \
    "$service/chat_grpc.ChatService/StreamEvents" > >(open_envelopes >"$directory/events") &
  feed=$!
}

stop_following() {
  [[ -z $feed ]] || kill "$feed" 2>/dev/null || true
  [[ -z $feed ]] || wait "$feed" 2>/dev/null || true
  feed=
}

# Waits for an event, and shows what has come since the last time.
hear() {
  local tries=0
  until grep -qF "$1" <(tail -n "+$((shown + 1))" "$directory/events"); do
    ((++tries < 100)) || fail "no event $1"
    sleep 0.1
  done
  tail -n "+$((shown + 1))" "$directory/events" | show '*'
  shown=$(($(wc -l <"$directory/events")))
}

curl -fsS "$service/readyz" >/dev/null || fail "no Roomlog at $service: start it with npm start"
cat <<INTRO
Ann is user 1, Bob is user 2, and they talk about order $order.
  >  a request     <  its answer     *  an event on Bob's stream
Ids are strings, and what is 0, false or empty is left out: that is how protobuf is written as JSON.
The times of creation and change, and the kinds of messages, are there, but not shown here.
INTRO

step "Ann opens the order's room and lets Bob in. Whoever does so again, gets the same room."
call EnsureRoom "{\"key\": \"order:$order\", \"userId\": 1, \"memberIds\": [2], \"name\": \"A cake for Tuesday\"}"
expect '"ownerId":"1"' '"isNew":true'
room=$(field id)
call EnsureRoom "{\"key\": \"order:$order\", \"userId\": 1, \"memberIds\": [2]}"
expect "\"id\":\"$room\"" '"name":"A cake for Tuesday"'
expect_no isNew

step "Bob finds it by its key, and sees who is in it."
call GetRoom "{\"key\": \"order:$order\", \"userId\": 2}"
expect "\"id\":\"$room\""
call ListMembers "{\"roomId\": $room, \"userId\": 2}"
expect '"userId":"1"' '"userId":"2"'

step "He follows the room, and the list of his rooms. The first event says where his stream begins."
follow "{\"roomIds\": [$room], \"userId\": 2, \"followList\": true}"
hear '"caughtUp"'

step "Ann asks."
call SendMessage "{\"roomId\": $room, \"userId\": 1, \"body\": \"Are you coming on Tusday?\", \"clientMessageId\": \"a1\"}"
expect '"seq":"1"'
question=$(field id)
hear "\"message\":{\"id\":\"$question\""

step "Not sure that it arrived, she sends it again. The client's id is the same, so it is the same message."
call SendMessage "{\"roomId\": $room, \"userId\": 1, \"body\": \"Are you coming on Tusday?\", \"clientMessageId\": \"a1\"}"
expect "\"id\":\"$question\"" '"seq":"1"'

step "She corrects it. An edit is a change of the room's log, too: same id, next seq."
call EditMessage "{\"roomId\": $room, \"messageId\": $question, \"userId\": 1, \"body\": \"Are you coming on Tuesday?\"}"
expect "\"id\":\"$question\"" '"seq":"2"' 'Tuesday'

step "Bob replies. The question counts its replies: that is a change of the question."
call SendMessage "{\"roomId\": $room, \"userId\": 2, \"body\": \"Yes!\", \"replyToId\": $question}"
expect "\"replyToId\":\"$question\"" '"seq":"3"'
reply=$(field id)
hear '"replyCount":1'

step "Ann likes it, and pins it."
call SetReaction "{\"roomId\": $room, \"messageId\": $reply, \"userId\": 1, \"emoji\": \"🎂\", \"on\": true}"
expect '"reactions":[{"emoji":"🎂","count":1,"userIds":["1"]}]'
call SetPin "{\"roomId\": $room, \"messageId\": $reply, \"actorId\": 1, \"on\": true}"
expect '"pinnedAt"'

step "Ann sends what was meant for somebody else, and deletes it: the text is gone, its place stays."
call SendMessage "{\"roomId\": $room, \"userId\": 1, \"body\": \"Bob is coming, hide the cake\"}"
slip=$(field id)
call DeleteMessage "{\"roomId\": $room, \"messageId\": $slip, \"userId\": 1}"
expect '"seq":"8"' '"deletedAt"'
expect_no cake

step "Ann reads the reply, and types."
call MarkRead "{\"roomId\": $room, \"userId\": 1, \"messageId\": $reply}"
expect "\"readMessageId\":\"$reply\""
call SendTyping "{\"roomId\": $room, \"userId\": 1}"

step "This is what Bob's stream has told him meanwhile, of the room and of his list."
hear '"typing"'

step "She mentions him. In his list there is an @ to show; two are unread, as his own and the deleted one don't count."
call SendMessage "{\"roomId\": $room, \"userId\": 1, \"body\": \"@Bob: at seven\", \"mentionedUserIds\": [2]}"
mention=$(field id)
hear '"unreadCount":2,"mentionCount":1'

step "He marks it read. Now 0 are unread, which is left out. His other devices are told, too."
call MarkRead "{\"roomId\": $room, \"userId\": 2, \"messageId\": $mention}"
expect "\"readMessageId\":\"$mention\""
call ListRooms '{"userId": 2, "limit": 1}'
expect "\"readMessageId\":\"$mention\""
expect_no unreadCount

step "He wants to be reminded, and marks it as unread."
call MarkRead "{\"roomId\": $room, \"userId\": 2, \"messageId\": $question, \"mayMoveBack\": true}"
call GetRooms "{\"keys\": [\"order:$order\"], \"userId\": 2}"
expect '"unreadCount":1' '"mentionCount":1'

step "What is pinned, and the question's thread, are pages of their own."
call ListMessages "{\"roomId\": $room, \"userId\": 2, \"pinned\": true}"
expect '"Yes!"'
expect_no Tuesday
call ListMessages "{\"roomId\": $room, \"userId\": 2, \"threadId\": $question}"
expect '"Yes!"'

step "Bob searches for a word. The index is a reader of the log, and has read it within a second or two."
for ((tries = 0; tries < 50; tries++)); do
  call SearchMessages "{\"query\": \"tuesday\", \"userId\": 2, \"roomId\": $room}" >"$directory/search"
  [[ $answer == '{}' ]] || break
  sleep 0.2
done
cat "$directory/search"
expect '{"text":"Tuesday","isMatch":true}'

step "History, a page at a time: the newest two messages, then what comes before them."
call ListMessages "{\"roomId\": $room, \"userId\": 2, \"limit\": 2}"
expect '"@Bob: at seven"' '"hasEarlier":true'
call ListMessages "{\"roomId\": $room, \"userId\": 2, \"limit\": 2, \"beforeId\": $(field id)}"
expect 'Tuesday' '"Yes!"' '"hasLater":true'
expect_no hasEarlier

step "Bob is cut off. He keeps the cursor of all that he has seen, the head of that page."
stop_following
[[ $answer =~ \"head\":(\{[^}]*\}) ]] || fail "the page has no head"
cursor=${BASH_REMATCH[1]}
printf '  %s\n' "$cursor"
expect '"head":{"seq":"9"'

step "Meanwhile Ann edits once more, and sends."
call EditMessage "{\"roomId\": $room, \"messageId\": $question, \"userId\": 1, \"body\": \"Are you coming on Wednesday?\"}"
call EditMessage "{\"roomId\": $room, \"messageId\": $question, \"userId\": 1, \"body\": \"Are you coming on Thursday?\"}"
call SendMessage "{\"roomId\": $room, \"userId\": 1, \"body\": \"It moved to Thursday, sorry\"}"
expect '"seq":"12"'

step "Bob resumes after his cursor: every message that changed, once, as it is now; then he is caught up."
follow "{\"roomIds\": [$room], \"userId\": 2, \"after\": {\"$room\": $cursor}}"
hear '"caughtUp":{"cursors":{"'"$room"'":{"seq":"12"'
! grep -qF Wednesday "$directory/events" || fail "the stream has a state that is over"
grep -qF 'Are you coming on Thursday?' "$directory/events" || fail "the stream has no edit"

step "Ann hands the room on to Bob."
call TransferOwnership "{\"roomId\": $room, \"userId\": 2, \"actorId\": 1}"
expect '"ownerId":"2"'

step "Bob leaves. His stream says so, and has nothing of what comes later."
call RemoveMember "{\"roomId\": $room, \"userId\": 2, \"actorId\": 2}"
expect '"removedAt"'
call SendMessage "{\"roomId\": $room, \"userId\": 1, \"body\": \"What a pity\"}"
hear '"memberRemoved"'

step "He is a stranger now: for him there is no such room. It is Ann's again."
call ListMessages "{\"roomId\": $room, \"userId\": 2}"
expect '"code":"not_found"'
call IsMember "{\"roomId\": $room, \"userId\": 2}"
expect_no true
call GetRoom "{\"roomId\": $room, \"userId\": 1}"
expect '"ownerId":"1"'
! grep -qF pity "$directory/events" || fail "the stream goes on after its reader left"

step "She doesn't want him back: until then, nobody can add him."
call SetBan "{\"roomId\": $room, \"userId\": 2, \"actorId\": 1, \"bannedUntil\": \"2099-01-01T00:00:00Z\"}"
expect '"bannedUntil"'
call AddMember "{\"roomId\": $room, \"userId\": 2, \"actorId\": 1}"
expect '"code":"permission_denied"' '2099-01-01T00:00:00.000Z'

step "She deletes the room. Nothing is left of it, and its key is free."
call DeleteRoom "{\"roomId\": $room, \"actorId\": 1}"
call GetRoom "{\"key\": \"order:$order\", \"userId\": 1}"
expect '"code":"not_found"'

printf '\nThat was a conversation. Every answer was as expected.\n'
