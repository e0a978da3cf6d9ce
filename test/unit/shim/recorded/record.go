// Records what Go's side of the wire says: every message of the packages in use with all of its
// fields, and conversations of a ttrpc client and server. How: go run -mod=mod . > record.json
package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"regexp"
	"sync"
	"time"

	_ "github.com/containerd/cgroups/v3/cgroup1/stats"
	_ "github.com/containerd/cgroups/v3/cgroup2/stats"
	_ "github.com/containerd/containerd/api/events"
	_ "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	task "github.com/containerd/containerd/api/runtime/task/v3"
	_ "github.com/containerd/containerd/api/services/ttrpc/events/v1"
	_ "github.com/containerd/containerd/api/types/runc/options"
	_ "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/ttrpc"
	_ "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var packages = regexp.MustCompile(`^(containerd\.(task\.v3|events|types|v1\.types|runc\.v1|runtime\.bootstrap\.v1|services\.events\.ttrpc\.v1)|runtimeoptions\.v1|io\.containerd\.cgroups\.v[12]|ttrpc|google\.rpc|google\.protobuf\.(Any|Timestamp|Empty)$)`)

func main() {
	record := map[string]any{"messages": messages(), "conversations": conversations()}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	must(encoder.Encode(record))
}

// Messages by their full names, as bytes and as what they hold.
func messages() map[string]any {
	all := map[string]any{}
	protoregistry.GlobalTypes.RangeMessages(func(kind protoreflect.MessageType) bool {
		name := string(kind.Descriptor().FullName())
		if !packages.MatchString(name) {
			return true
		}
		message := kind.New()
		filler := &filler{}
		holds := filler.fill(message, 0)
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(message.Interface())
		must(err)
		all[name] = map[string]any{"bytes": hex.EncodeToString(bytes), "holds": holds}
		return true
	})
	return all
}

type filler struct{ count int }

func (f *filler) fill(message protoreflect.Message, depth int) map[string]any {
	holds := map[string]any{}
	fields := message.Descriptor().Fields()
	for i := 0; i < fields.Len(); i++ {
		field := fields.Get(i)
		if depth > 4 || field.ContainingOneof() != nil && !field.HasOptionalKeyword() {
			continue
		}
		switch {
		case field.IsMap():
			key := protoreflect.ValueOfString(f.text()).MapKey()
			if field.MapKey().Kind() != protoreflect.StringKind || field.MapValue().Kind() != protoreflect.StringKind {
				continue
			}
			value := f.text()
			message.Mutable(field).Map().Set(key, protoreflect.ValueOfString(value))
			holds[field.JSONName()] = []any{map[string]any{"key": key.String(), "value": value}}
		case field.IsList():
			list := message.Mutable(field).List()
			items := []any{}
			for n := 0; n < 2; n++ {
				value := list.NewElement()
				item := f.value(field, &value, depth)
				list.Append(value)
				items = append(items, item)
			}
			holds[field.JSONName()] = items
		default:
			value := message.NewField(field)
			holds[field.JSONName()] = f.value(field, &value, depth)
			message.Set(field, value)
		}
	}
	return holds
}

func (f *filler) text() string {
	f.count++
	return fmt.Sprintf("text %d – grüße", f.count)
}

// Values near the ends of what each type can hold; whole numbers and bytes are told as text.
func (f *filler) value(field protoreflect.FieldDescriptor, value *protoreflect.Value, depth int) any {
	f.count++
	n := f.count
	switch field.Kind() {
	case protoreflect.StringKind:
		text := f.text()
		*value = protoreflect.ValueOfString(text)
		return text
	case protoreflect.BytesKind:
		*value = protoreflect.ValueOfBytes([]byte{0, 255, byte(n)})
		return hex.EncodeToString([]byte{0, 255, byte(n)})
	case protoreflect.BoolKind:
		*value = protoreflect.ValueOfBool(true)
		return true
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		number := values.Get(values.Len() - 1).Number()
		*value = protoreflect.ValueOfEnum(number)
		return fmt.Sprint(number)
	case protoreflect.Int32Kind:
		*value = protoreflect.ValueOfInt32(math.MinInt32 + int32(n))
	case protoreflect.Uint32Kind:
		*value = protoreflect.ValueOfUint32(math.MaxUint32 - uint32(n))
	case protoreflect.Int64Kind:
		*value = protoreflect.ValueOfInt64(math.MinInt64 + int64(n))
	case protoreflect.Uint64Kind:
		*value = protoreflect.ValueOfUint64(math.MaxUint64 - uint64(n))
	case protoreflect.DoubleKind:
		*value = protoreflect.ValueOfFloat64(float64(n) + 0.25)
	case protoreflect.MessageKind:
		return f.fill(value.Message(), depth+1)
	default:
		panic(field.FullName())
	}
	return fmt.Sprint(value.Interface())
}

// What each side has written on one connection.
type conversation struct {
	Name   string `json:"name"`
	Client string `json:"client"`
	// After the client's bytes come as many zeros.
	Zeros  int    `json:"zeros,omitempty"`
	Server string `json:"server"`
}

type recorder struct {
	net.Conn
	lock        sync.Mutex
	read, wrote []byte
}

func (r *recorder) Read(bytes []byte) (int, error) {
	n, err := r.Conn.Read(bytes)
	r.lock.Lock()
	defer r.lock.Unlock()
	r.read = append(r.read, bytes[:n]...)
	return n, err
}

func (r *recorder) Write(bytes []byte) (int, error) {
	n, err := r.Conn.Write(bytes)
	r.lock.Lock()
	defer r.lock.Unlock()
	r.wrote = append(r.wrote, bytes[:n]...)
	return n, err
}

func (r *recorder) named(name string) conversation {
	r.lock.Lock()
	defer r.lock.Unlock()
	return conversation{Name: name, Client: hex.EncodeToString(r.wrote), Server: hex.EncodeToString(r.read)}
}

// A service of which few methods do anything: State and Kill answer, Delete refuses, Pids is plainly
// wrong, Wait waits until its time has passed.
type service struct{ task.TTRPCTaskService }

func (service) State(_ context.Context, r *task.StateRequest) (*task.StateResponse, error) {
	return &task.StateResponse{ID: r.ID, Pid: 4_294_967_295, ExitedAt: &timestamppb.Timestamp{Seconds: -62_135_596_800}}, nil
}

func (service) Kill(context.Context, *task.KillRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (service) Delete(_ context.Context, r *task.DeleteRequest) (*task.DeleteResponse, error) {
	return nil, status.Errorf(codes.NotFound, "container not created: %s: not found", r.ID)
}

func (service) Pids(context.Context, *task.PidsRequest) (*task.PidsResponse, error) {
	return nil, fmt.Errorf("plainly wrong")
}

func (service) Wait(ctx context.Context, _ *task.WaitRequest) (*task.WaitResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func conversations() []conversation {
	server, err := ttrpc.NewServer()
	must(err)
	task.RegisterTTRPCTaskService(server, service{})
	path := fmt.Sprintf("%s/record-%d.sock", os.TempDir(), os.Getpid())
	listener, err := net.Listen("unix", path)
	must(err)
	go server.Serve(context.Background(), listener)
	dial := func() *recorder {
		connection, err := net.Dial("unix", path)
		must(err)
		return &recorder{Conn: connection}
	}
	all := []conversation{}
	call := func(name string, calls func(context.Context, task.TTRPCTaskService, *ttrpc.Client)) {
		recorder := dial()
		client := ttrpc.NewClient(recorder)
		calls(context.Background(), task.NewTTRPCTaskClient(client), client)
		time.Sleep(200 * time.Millisecond)
		all = append(all, recorder.named(name))
		client.Close()
	}
	call("answers", func(ctx context.Context, tasks task.TTRPCTaskService, _ *ttrpc.Client) {
		metadata := ttrpc.MD{}
		metadata.Set("containerd-namespace-ttrpc", "default")
		limited, cancel := context.WithTimeout(ttrpc.WithMetadata(ctx, metadata), time.Hour)
		defer cancel()
		tasks.State(limited, &task.StateRequest{ID: "one", ExecID: "two"})
		tasks.Kill(ctx, &task.KillRequest{ID: "one", Signal: 15, All: true})
		tasks.Kill(ctx, &task.KillRequest{})
	})
	call("errors", func(ctx context.Context, tasks task.TTRPCTaskService, client *ttrpc.Client) {
		tasks.Delete(ctx, &task.DeleteRequest{ID: "one"})
		tasks.Pids(ctx, &task.PidsRequest{ID: "one"})
		client.Call(ctx, "containerd.task.v3.Task", "Nonsense", &emptypb.Empty{}, &emptypb.Empty{})
		client.Call(ctx, "containerd.task.v9.Task", "State", &emptypb.Empty{}, &emptypb.Empty{})
	})
	call("a deadline", func(ctx context.Context, tasks task.TTRPCTaskService, _ *ttrpc.Client) {
		limited, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		tasks.Wait(limited, &task.WaitRequest{ID: "one"})
	})
	raw := func(name string, zeros int, frames ...[]byte) {
		recorder := dial()
		for _, frame := range frames {
			recorder.Write(frame)
		}
		_, err := recorder.Conn.Write(make([]byte, zeros))
		must(err)
		recorder.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		io.Copy(io.Discard, recorder)
		one := recorder.named(name)
		one.Zeros = zeros
		all = append(all, one)
		recorder.Close()
	}
	state := request("State", &task.StateRequest{ID: "one"})
	raw("an even stream", 0, frame(2, 1, 0, state))
	raw("a stream again", 0, frame(3, 1, 0, state), frame(3, 1, 0, state), frame(1, 1, 0, state))
	raw("what is no request", 0, frame(1, 1, 0, []byte{0xff}), frame(3, 1, 0, state))
	raw("what is no payload", 0, frame(1, 1, 0, payload("State", []byte{0xff})), frame(3, 1, 0, state))
	raw("other types", 0, frame(1, 2, 0, state), frame(3, 9, 0, state), frame(5, 1, 0, state))
	raw("a frame that is too long", 4_194_305, frame(1, 1, 0, nil, 4_194_305))
	raw("a stream for a method without", 0, frame(1, 1, 2, state))
	raw("the end of what one sends", 0, frame(1, 1, 1, state))
	must(os.RemoveAll(path))
	return all
}

func request(method string, message proto.Message) []byte {
	bytes, err := proto.Marshal(message)
	must(err)
	return payload(method, bytes)
}

func payload(method string, bytes []byte) []byte {
	request, err := proto.Marshal(&ttrpc.Request{Service: "containerd.task.v3.Task", Method: method, Payload: bytes})
	must(err)
	return request
}

func frame(stream uint32, kind, flags byte, data []byte, length ...uint32) []byte {
	bytes := make([]byte, 10)
	binary.BigEndian.PutUint32(bytes, uint32(len(data)))
	for _, other := range length {
		binary.BigEndian.PutUint32(bytes, other)
	}
	binary.BigEndian.PutUint32(bytes[4:], stream)
	bytes[8], bytes[9] = kind, flags
	return append(bytes, data...)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
